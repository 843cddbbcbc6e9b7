"""Populations of scored rows with what people would say about each, for `bench.review_coverage`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from builders.review.reviewable import ReviewableRow
from builders.review.sampling import SampledRow, sample
from builders.rows import Row

PEOPLE = ("ada", "ben", "cem")
# Records that everyone answers, where the others are answered by one person each.
CALIBRATION = 30
_SOURCES = (("common", 0.75), ("rare", 0.2), ("rarest", 0.05))


@dataclass(frozen=True)
class Planted:
    """A population of rows, and all verdicts on them by row and person.

    `noise` is the spread of the model's scores around the answers' worth.
    """

    rows: int
    seed: int
    noise: float

    @cached_property
    def known(self) -> dict[str, ReviewableRow]:
        """The rows by id."""
        return {row.id: row for row in self._made[0]}

    @cached_property
    def said(self) -> dict[str, list[Row]]:
        """The verdicts of each person on each row, by id."""
        return self._made[1]

    @cached_property
    def _made(self) -> tuple[list[ReviewableRow], dict[str, list[Row]]]:
        chance = np.random.default_rng(self.seed)
        names, shares = zip(*_SOURCES, strict=True)
        sources = chance.choice(names, self.rows, p=shares)
        # Drafts of rare sources are worse, and gain more.
        rare = np.where(sources == "common", 0.0, 1.0)
        worth = chance.normal(5.8 - rare, 1.8, self.rows)
        gain = chance.normal(1.0 + 0.8 * rare, 1.6, self.rows)
        lengths = chance.lognormal(5.5, 0.6, self.rows)
        growth = np.exp(chance.normal(0.15 + 0.1 * gain, 0.4))
        scored = [
            _scores(worth + more + chance.normal(0, self.noise, self.rows)) for more in (0, gain)
        ]
        with_critique = _scores(scored[0] + chance.normal(0, 1.2, self.rows))
        rows = [
            ReviewableRow(
                f"row-{number:06d}",
                str(sources[number]),
                int(lengths[number]) + 1,
                int(lengths[number] * growth[number]) + 1,
                int(scored[0][number]),
                int(scored[1][number]),
                int(with_critique[number]),
            )
            for number in range(self.rows)
        ]
        said: dict[str, list[Row]] = {row.id: [] for row in rows}
        for name in PEOPLE:
            seen = [worth + chance.normal(0, 0.8, self.rows)]
            seen.append(worth + gain + chance.normal(0, 0.8, self.rows))
            scores = [_scores(one) for one in seen]
            ahead = seen[1] - seen[0]
            real = ahead + chance.normal(0, 1, self.rows)
            for number, row in enumerate(rows):
                better = "tie" if abs(ahead[number]) < 0.4 else "draft"
                said[row.id].append(
                    {
                        "id": row.id,
                        "record": row.id,
                        "annotator": name,
                        "order": "draft_first" if number % 2 else "refinement_first",
                        "better": "refinement" if ahead[number] >= 0.4 else better,
                        "draft_score": int(scores[0][number]),
                        "refinement_score": int(scores[1][number]),
                        "weaknesses_real": "all"
                        if real[number] > 1
                        else "some"
                        if real[number] > -1
                        else "none",
                        "suggestions_actionable": bool(real[number] > -1.5),
                        "refinement_introduces_error": bool(real[number] < -2),
                        "assisted": False,
                        "status": "submitted",
                    }
                )
        return rows, said

    def verdicts(
        self, drawn: Sequence[SampledRow], overlap: int, *, calibration: bool = False
    ) -> list[Row]:
        """What is said about the rows: by everyone, or by one person each."""
        found = []
        for row in drawn:
            own = self.said[row.id]
            if overlap == 1:
                own = [own[int(row.id[4:]) % len(own)]]
            draw = {
                "calibration": calibration,
                "stratum": row.stratum,
                "stratum_rows": row.stratum_rows,
                "inclusion_probability": row.inclusion_probability,
            }
            found += [{**one, **draw} for one in own]
        return found

    def review(
        self, strategy: str, size: int, overlap: int, seed: int
    ) -> tuple[list[Row], list[Row]]:
        """The verdicts of a review of a sample, and those of its calibration records."""
        rows, calibration = list(self.known.values()), []
        if overlap == 1:
            calibration = sample(rows, CALIBRATION, "uniform", seed)
            taken = {row.id for row in calibration}
            rows = [row for row in rows if row.id not in taken]
        drawn = sample(rows, size, strategy, seed)
        return self.verdicts(drawn, overlap), self.verdicts(calibration, 3, calibration=True)


def _scores(worth: np.ndarray) -> np.ndarray:
    return np.clip(np.round(worth), 1, 10).astype(int)

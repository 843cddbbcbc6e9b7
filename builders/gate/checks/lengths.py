"""The check `lengths`: how much of "better" is "longer". It warns and never fails."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builders.manifest import Check
from builders.settings import GateSettings
from builders.wording import counted


class Lengths:
    """Measures drafts and refinements in characters, of kept rows in which the two differ.

    Cohen's d is the mean difference divided by the pooled standard deviation: the square root of
    the mean of the two variances (n - 1).
    """

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._rows = self._longer = 0
        # Sums and sums of squares of integers are exact.
        self._draft = self._draft_squares = 0
        self._refinement = self._refinement_squares = 0

    def see(self, rows: pa.Table) -> None:
        is_kept = pc.equal(rows["status"], "kept")
        counted_rows = pc.and_(is_kept, pc.not_equal(rows["draft"], rows["refinement"]))
        draft, refinement = (
            pc.utf8_length(rows[name].filter(counted_rows)).to_numpy().astype(np.int64)
            for name in ("draft", "refinement")
        )
        self._rows += len(draft)
        self._longer += int((refinement > draft).sum())
        self._draft += int(draft.sum())
        self._draft_squares += int((draft * draft).sum())
        self._refinement += int(refinement.sum())
        self._refinement_squares += int((refinement * refinement).sum())

    def add(self, other: "Lengths") -> None:
        """Add the sums of other rows."""
        self._rows += other._rows
        self._longer += other._longer
        self._draft += other._draft
        self._draft_squares += other._draft_squares
        self._refinement += other._refinement
        self._refinement_squares += other._refinement_squares

    def result(self) -> Check:
        if not self._rows:
            sentence = "No kept row has a refinement that differs from its draft."
            return Check(name="lengths", status="pass", sentence=sentence, figures={"of": 0})
        figures = self._figures()
        d, share = figures["cohens_d"], figures["share_longer"]
        limits = self._settings
        is_over = (d is not None and d > limits.warn_length_d) or share > limits.warn_share_longer
        return Check(
            name="lengths",
            status="warn" if is_over else "pass",
            sentence=(
                f"The refinement differs from the draft by {figures['mean_delta']:+,.0f} "
                f"characters on average, and is longer in {share:.0%} of "
                f"{counted(self._rows, 'row')}; "
                f"Cohen's d is {'undefined' if d is None else f'{d:.2f}'}."
            ),
            figures=figures,
        )

    def _figures(self) -> dict[str, Any]:
        n = self._rows
        delta = (self._refinement - self._draft) / n
        spread = math.sqrt(
            (
                _variance(n, self._draft, self._draft_squares)
                + _variance(n, self._refinement, self._refinement_squares)
            )
            / 2
        )
        return {
            "of": n,
            "mean_delta": delta,
            "share_longer": self._longer / n,
            "cohens_d": delta / spread if spread else None,
        }


def _variance(n: int, total: int, squares: int) -> float:
    return (squares * n - total * total) / (n * (n - 1)) if n > 1 else 0.0

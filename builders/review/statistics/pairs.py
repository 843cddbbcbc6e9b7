"""The model and rules without judgment against people's choices, pair by pair."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np

from builders.review.statistics.design import Sample
from builders.review.statistics.estimates import (
    FEW,
    balanced_of,
    difference_of,
    share_of,
)
from builders.review.statistics.intervals import Figure, without_value
from builders.review.statistics.reviewed import ReviewedRecord, sample_of

TIE_RULES = ("half", "wrong", "left_out")


class Checked(TypedDict):
    """The share of the `of` records checked, with no claim about others: `hits` / `of`."""

    value: float | None
    hits: float
    of: int


class Pairwise(TypedDict):
    """The model's agreement with people on pairs of answers, and that of rules without judgment.

    `weighted` is the estimate for all rows, and `effective` how many records of a uniform sample
    are as good for it. `longer` and `always_refinement` are the agreement of "the longer answer is
    better" and "the refinement is better"; `over_longer` and `over_always_refinement` are the
    model's minus theirs, pair by pair. `balanced` is the mean of the model's agreement with those
    who chose the refinement and with those who chose the draft: one half for any rule without
    judgment. A group of fewer than FEW pairs has the counts in `checked` only.
    """

    weighted: Figure
    checked: Checked
    longer: Figure
    always_refinement: Figure
    over_longer: Figure
    over_always_refinement: Figure
    balanced: Figure
    effective: float


def pairwise(records: Sequence[ReviewedRecord], ties: str = "half") -> Pairwise:
    """The model's agreement with people, and that of the rules on the same pairs."""
    return Pairs.of(records, ties).agreement()


@dataclass(frozen=True)
class Pairs:
    """What people chose and what the model and the rules would have chosen, by record.

    `counted`: at least one person chose, and the model scored both answers. `refined` is the share
    of the people who chose the refinement among those who chose. `model` and `longer` are 1 for the
    refinement, 0 for the draft, and 1/2 for neither; `tie` is the credit of the model's.
    """

    sample: Sample
    counted: np.ndarray
    refined: np.ndarray
    model: np.ndarray
    longer: np.ndarray
    tie: float

    @classmethod
    def of(cls, records: Sequence[ReviewedRecord], ties: str) -> "Pairs":
        if ties not in TIE_RULES:
            raise ValueError(f"ties is {ties!r}, not one of {TIE_RULES}")
        margins = [record.row.margin for record in records]
        chosen = [record.chosen for record in records]
        counted = [
            bool(answers) and margin is not None and not (ties == "left_out" and margin == 0)
            for answers, margin in zip(chosen, margins, strict=True)
        ]
        refined = [answers.count("refinement") / max(1, len(answers)) for answers in chosen]
        return cls(
            sample_of(records),
            np.array(counted, bool),
            np.array(refined, float),
            _choice([margin or 0 for margin in margins]),
            _choice([record.row.added_characters for record in records]),
            0.0 if ties == "wrong" else 0.5,
        )

    def agreement(self) -> Pairwise:
        """The figures of all pairs.

        Two answers of equal length count for the rule as a tie counts for the model, but as half
        under `left_out`, which would leave other pairs.
        """
        once = self.counted.astype(float)
        model, longer = self._credit(self.model), self._credit(self.longer)
        hits, of = float(model @ once), int(self.counted.sum())
        right = self._right(self.model)
        refined, drafted = once * self.refined, once * (1 - self.refined)
        return {
            "weighted": self.weighted(),
            "checked": {"value": hits / of if of else None, "hits": hits, "of": of},
            "longer": share_of(self.sample, longer * once, once),
            "always_refinement": share_of(self.sample, refined, once),
            "over_longer": difference_of(self.sample, model - longer, self.counted),
            "over_always_refinement": difference_of(
                self.sample, model - self.refined, self.counted
            ),
            "balanced": balanced_of(
                self.sample, [refined * right[0], drafted * right[1]], [refined, drafted]
            ),
            "effective": self.sample.effective(self.counted),
        }

    def weighted(self) -> Figure:
        """The model's agreement."""
        once = self.counted.astype(float)
        return share_of(self.sample, self._credit(self.model) * once, once)

    def of_group(self, group: np.ndarray) -> Pairwise:
        """The figures of the pairs in `group`, a mask; only counts of fewer than FEW."""
        pairs = replace(self, counted=self.counted & group)
        of = int(pairs.counted.sum())
        if of >= FEW:
            return pairs.agreement()
        few = without_value(of, f"fewer than {FEW} records")
        hits = float(self._credit(self.model) @ pairs.counted)
        return {
            "weighted": few,
            "checked": {"value": None, "hits": hits, "of": of},
            "longer": few,
            "always_refinement": few,
            "over_longer": few,
            "over_always_refinement": few,
            "balanced": few,
            "effective": self.sample.effective(pairs.counted),
        }

    def _right(self, choice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The credit of a choice towards a person who chose the refinement, and the draft."""
        return (
            np.where(choice == 0.5, self.tie, choice),
            np.where(choice == 0.5, self.tie, 1 - choice),
        )

    def _credit(self, choice: np.ndarray) -> np.ndarray:
        """The share of the people who chose with whom a choice agrees."""
        refinement, draft = self._right(choice)
        return self.refined * refinement + (1 - self.refined) * draft


def _choice(differences: Sequence[int]) -> np.ndarray:
    return (np.sign(np.array(differences, float)) + 1) / 2

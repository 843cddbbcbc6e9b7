"""How much of "better" is "longer": the check `lengths`, which warns and never fails."""

import math
from collections.abc import Mapping
from typing import Any

from builders.gate.check import Check
from builders.gate.settings import GateSettings


class Lengths:
    """Characters of drafts and refinements of kept rows in which the two differ.

    Cohen's d is the mean difference over the pooled standard deviation, the root of the mean of
    the two variances (n - 1).
    """

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._rows = self._longer = 0
        # Sums and sums of squares of whole numbers are exact.
        self._draft = self._draft_squares = 0
        self._refinement = self._refinement_squares = 0

    def see(self, row: Mapping[str, Any]) -> None:
        if row["status"] != "kept" or row["draft"] == row["refinement"]:
            return
        draft, refinement = len(row["draft"]), len(row["refinement"])
        self._rows += 1
        self._longer += refinement > draft
        self._draft += draft
        self._draft_squares += draft * draft
        self._refinement += refinement
        self._refinement_squares += refinement * refinement

    def result(self) -> Check:
        if not self._rows:
            return Check("lengths", "pass", "No kept row has a refinement that differs.", {"of": 0})
        figures = self._figures()
        d, share = figures["cohens_d"], figures["share_longer"]
        limits = self._settings
        over = (d is not None and d > limits.warn_length_d) or share > limits.warn_share_longer
        said = f"{d:.2f}" if d is not None else "not defined"
        sentence = (
            f"Refinement less draft is {figures['mean_delta']:+,.0f} characters on average, and "
            f"the refinement is the longer in {share:.0%} of {self._rows:,} rows; Cohen's d {said}."
        )
        return Check("lengths", "warn" if over else "pass", sentence, figures)

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

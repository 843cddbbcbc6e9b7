"""How far another scorer agrees with the one that decides."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from builders.rows.scorers import same_sign

# A correlation of fewer rows says nothing.
_FEW = 20


@dataclass
class ControlScorer:
    """Rows with two different answers, counted by the margins of both scorers, from -9 to 9.

    `unreadable` counts those of which this scorer gave no score of one answer at least.
    """

    margins: Counter[tuple[int, int]] = field(default_factory=Counter)
    unreadable: int = 0

    def add(self, margin: int | None, own: int | None) -> None:
        """Add a row: the margin of the scorer that decides, and this one's."""
        if own is None:
            self.unreadable += 1
        elif margin is not None:
            self.margins[margin, own] += 1

    def add_counts(self, other: "ControlScorer") -> None:
        """Add what another one counted."""
        self.margins.update(other.margins)
        self.unreadable += other.unreadable

    def as_facts(self) -> dict[str, Any]:
        """JSON-able: `rows` that both scored, `same_sign` the share of those on which both prefer
        the same answer or none, with Wilson's 95% interval, and the correlation of the margins.

        No interval without a row, and no correlation of few rows or of margins that are all equal.
        """
        rows = self.margins.total()
        agreed = sum(count for (one, own), count in self.margins.items() if same_sign(one, own))
        low, high = _wilson(agreed, rows)
        return {
            "rows": rows,
            "same_sign": agreed / rows if rows else None,
            "low": low,
            "high": high,
            "correlation": self._correlation(),
            "unreadable": self.unreadable,
        }

    def _correlation(self) -> float | None:
        """Pearson's, of the margins."""
        if self.margins.total() < _FEW:
            return None
        counts = sorted(self.margins.items())
        values = np.array([margins for margins, _ in counts], float).T
        covariance = np.cov(values, fweights=[count for _, count in counts])
        spread = covariance[0, 0] * covariance[1, 1]
        return round(float(covariance[0, 1] / np.sqrt(spread)), 9) if spread > 0 else None


def _wilson(hits: int, of: int) -> tuple[float | None, float | None]:
    if not of:
        return None, None
    # It takes seconds to import, which runs with one scorer do not need.
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(hits, of, method="wilson")
    return float(low), float(high)

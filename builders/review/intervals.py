"""Figures with their intervals: {value, low, high, of}, `of` being how many records count."""

from collections.abc import Callable
from typing import Any

import numpy as np
from statsmodels.stats.proportion import proportion_confint

RESAMPLES = 1000

# A statistic of records, each of which counts as often as its weight says; NaN where undefined.
Weighted = Callable[[np.ndarray], float]


def wilson(hits: float, of: float) -> dict[str, float | None]:
    """Wilson's 95 % interval of a share; halves may count, of ties."""
    if not of:
        return {"low": None, "high": None}
    low, high = proportion_confint(hits, of, method="wilson")
    return {"low": float(low), "high": float(high)}


def bootstrapped(statistic: Weighted, weights: np.ndarray) -> dict[str, Any]:
    """`statistic` of the records, and its 95 % percentiles over resamples of whole records.

    The answers to one record are not independent of each other, so a record is drawn with all of
    them. `weights` (one for each record) stay with their records. A resample in which the
    statistic is undefined is left out. The seed is fixed: the same records give the same figure.
    """
    records = len(weights)
    value = statistic(weights) if records else np.nan
    if not np.isfinite(value):
        return {"value": None, "low": None, "high": None, "of": records}
    chance = np.random.Generator(np.random.PCG64(0))
    drawn = np.array([statistic(weights * _counts(chance, records)) for _ in range(RESAMPLES)])
    low, high = np.quantile(drawn[np.isfinite(drawn)], (0.025, 0.975))
    return {"value": float(value), "low": float(low), "high": float(high), "of": records}


def _counts(chance: np.random.Generator, records: int) -> np.ndarray:
    """How often each record is drawn in one resample of as many."""
    return np.bincount(chance.integers(records, size=records), minlength=records)


def weighted_mean(values: np.ndarray) -> Weighted:
    """The weighted mean of `values`, one for each record."""

    def mean(weights: np.ndarray) -> float:
        total = weights.sum()
        return float(weights @ values / total) if total else float("nan")

    return mean

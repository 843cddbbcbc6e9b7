"""Sums, errors and intervals of means over pairs, of which some share an instruction."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from scipy.special import ndtri
from typing_extensions import TypedDict

RESAMPLES = 1000


class Estimate(TypedDict):
    """A figure of `of` pairs with its interval; None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None
    of: int


def numbered(groups: Sequence[Hashable]) -> np.ndarray:
    """Each distinct group as a number from 0, in the order of appearance.

    >>> numbered(["b", "a", "b"])
    array([0, 1, 0])
    """
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.int64)


def totals(values: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """The sum of `values` in each cluster that occurs."""
    _, places = np.unique(clusters, return_inverse=True)
    return np.bincount(places, values) if len(values) else np.zeros(0)


def share_with_interval(
    values: np.ndarray,
    clusters: np.ndarray,
    weights: np.ndarray | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """The weighted mean of `values` in [0, 1], with Wilson's interval.

    The interval is that of as many independent pairs as would have the same standard error: fewer
    than there are if pairs share instructions or have unequal weights, and never more.
    """
    n = len(values)
    weights = np.ones(n) if weights is None else weights
    total = weights.sum()
    if not n or not total:
        return {"value": None, "low": None, "high": None, "of": n}
    mean = float(weights @ values / total)
    # Kish's number of equally weighted pairs, and that of the residuals' cluster totals.
    effective = float(total**2 / (weights @ weights))
    residuals = totals(weights * (values - mean), clusters) / total
    variance = float(residuals @ residuals)
    if variance > 0 and 0 < mean < 1:
        effective = min(effective, mean * (1 - mean) / variance)
    # statsmodels takes a second to import, which no audit needs before its last answer.
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(mean * effective, effective, 1 - confidence, method="wilson")
    return {"value": mean, "low": float(low), "high": float(high), "of": n}


def bootstrapped_by_cluster(
    statistic: Callable[[np.ndarray], float], clusters: np.ndarray, confidence: float = 0.9
) -> Estimate:
    """`statistic` of weights, one for each pair, with its interval over resampled clusters.

    Resamples in which it is undefined (NaN) are left out. The seed is fixed.
    """
    n = len(clusters)
    value = statistic(np.ones(n)) if n else np.nan
    if not np.isfinite(value):
        return {"value": None, "low": None, "high": None, "of": n}
    names, places = np.unique(clusters, return_inverse=True)
    chance = np.random.Generator(np.random.PCG64(0))
    values = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        drawn = np.bincount(chance.integers(len(names), size=len(names)), minlength=len(names))
        values[number] = statistic(drawn[places].astype(float))
    tail = (1 - confidence) / 2
    low, high = np.quantile(values[np.isfinite(values)], (tail, 1 - tail))
    return {"value": float(value), "low": float(low), "high": float(high), "of": n}


def z_of(tail: float) -> float:
    """The standard normal quantile with `tail` above it: 1.645 of 0.05."""
    return float(-ndtri(tail))

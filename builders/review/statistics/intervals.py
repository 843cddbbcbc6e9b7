"""Figures with 95% intervals.

`wilson`, `share` and `bootstrapped` are for independent records, each of which counts the same. The
others get a figure's variance from the design of its sample (`design`): each works out how many
independent records would have given this variance, and takes Student's t for as many degrees of
freedom as the design has (Franco, Little, Louis and Slud, "Comparative study of confidence
intervals for proportions in complex sample surveys", 2019).
"""

from collections.abc import Callable
from typing import TypedDict

import numpy as np
from scipy.special import stdtrit

RESAMPLES = 1000
_LEVEL = 0.975
_NO_WIDTH = 1e-9

# A statistic of records, each counted as often as its weight says; NaN if undefined.
Statistic = Callable[[np.ndarray], float]


class Interval(TypedDict):
    """Both ends are None if there is nothing to estimate from."""

    low: float | None
    high: float | None


class Figure(Interval):
    """A figure computed from `of` records; `value` and the interval are None if undefined.

    `why` says why there is no value or no interval, and is None otherwise.
    """

    value: float | None
    of: int
    why: str | None


def without_value(of: int, why: str) -> Figure:
    return {"value": None, "low": None, "high": None, "of": of, "why": why}


def without_interval(value: float, of: int, why: str) -> Figure:
    return {"value": float(value), "low": None, "high": None, "of": of, "why": why}


def figure(value: float, ends: tuple[float, float], of: int) -> Figure:
    """A figure whose interval holds its value, whatever rounding did to the ends.

    An interval without width says that no row is left to estimate, and is not given.

    >>> figure(0.5, (0.5, 0.5), 40)["why"]
    'all rows were checked'
    """
    value, low, high = float(value), float(ends[0]), float(ends[1])
    if high - low < _NO_WIDTH:
        return without_interval(value, of, "all rows were checked")
    return {
        "value": value,
        "low": min(low, value),
        "high": max(high, value),
        "of": of,
        "why": None,
    }


def wilson(hits: float, of: float) -> Interval:
    """Wilson's interval of a share of independent records."""
    if not of:
        return {"low": None, "high": None}
    # statsmodels takes a second to import, which not every figure needs.
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(hits, of, method="wilson")
    return {"low": float(low), "high": float(high)}


def share(hits: float, of: int) -> Figure:
    """`hits` of `of` independent records, with Wilson's interval."""
    if not of:
        return without_value(0, "there are no records")
    return {"value": hits / of, **wilson(hits, of), "of": of, "why": None}


def t_quantile(degrees: float) -> float:
    """The 97.5% quantile of Student's t."""
    return float(stdtrit(degrees, _LEVEL))


def share_ends(value: float, effective: float, degrees: float) -> tuple[float, float]:
    """Wilson's interval of a share of so many effective records, with the quantile of Student's t.

    >>> ["%.4f" % end for end in share_ends(0.8, 100, 99)]
    ['0.7100', '0.8673']
    """
    if np.isinf(effective):
        return value, value
    t = t_quantile(degrees)
    middle = (value + t**2 / (2 * effective)) / (1 + t**2 / effective)
    spread = value * (1 - value) / effective + t**2 / (4 * effective**2)
    half = t * np.sqrt(spread) / (1 + t**2 / effective)
    return max(0.0, middle - half), min(1.0, middle + half)


def difference_ends(
    value: float, square: float, size: float, effective: float, degrees: float
) -> tuple[float, float]:
    """The interval of a mean of paired differences from -1 to 1.

    `square` is their mean square, and `size` that of those that are not 0. Bonett and Price (2012)
    add two pairs, of which one differs by 1 and the other by -1, without which a sample whose pairs
    are the same by chance would show no variance. Here these differ as others do, and count the
    less the more the pairs differ: beside Student's t, they would make the interval too wide.

    >>> ["%.3f" % end for end in difference_ends(-0.1, 0.2, 1.0, 100, 1e9)]
    ['-0.186', '-0.011']
    >>> ["%.3f" % end for end in difference_ends(0.0, 0.0, 1.0, 100, 1e9)]
    ['-0.027', '0.027']
    """
    if np.isinf(effective):
        return value, value
    added = 2 * (1 - min(1.0, max(0.0, (square - value**2) / size)))
    pairs = effective + added
    middle = value * effective / pairs
    spread = (square * effective + size * added) / pairs - middle**2
    half = t_quantile(degrees) * np.sqrt(spread / pairs)
    return max(-1.0, middle - half), min(1.0, middle + half)


def bootstrapped(statistic: Statistic, weights: np.ndarray) -> Figure:
    """`statistic` of the records with its percentile interval over resamples of whole records.

    The answers to one record depend on each other, so a resample has all or none of them.
    `weights` (one per record) stay with their records. Resamples in which the statistic is
    undefined are left out. The seed is fixed: the same records always give the same figure.
    """
    records = len(weights)
    value = statistic(weights) if records else np.nan
    if not np.isfinite(value):
        return without_value(records, "it is undefined")
    chance = np.random.Generator(np.random.PCG64(0))
    values = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        times_drawn = np.bincount(chance.integers(records, size=records), minlength=records)
        values[number] = statistic(weights * times_drawn)
    low, high = np.quantile(values[np.isfinite(values)], (0.025, 0.975))
    return {
        "value": float(value),
        "low": float(low),
        "high": float(high),
        "of": records,
        "why": None,
    }


def weighted_mean(values: np.ndarray) -> Statistic:
    """The weighted mean of `values`, one per record."""

    def mean(weights: np.ndarray) -> float:
        total = weights.sum()
        return float(weights @ values / total) if total else float("nan")

    return mean

"""The interval of a mean in [0, 1] from its variance: Wilson's, with t quantiles."""

import numpy as np

from builders.audit.statistics.clusters import Estimate, totals
from builders.review.statistics.intervals import share_ends


def mean_with_interval(values: np.ndarray, clusters: np.ndarray) -> Estimate:
    """The mean of `values` in [0, 1], NaN left out, with a 95% interval over clusters."""
    known = ~np.isnan(values)
    mean, variance, groups = mean_and_variance(values[known], clusters[known])
    return interval_of(mean, variance, groups - 1, int(known.sum()))


def mean_and_variance(values: np.ndarray, clusters: np.ndarray) -> tuple[float, float, int]:
    """The mean, the variance of the mean, and the number of clusters; NaN where undefined."""
    n = len(values)
    if not n:
        return np.nan, np.nan, 0
    mean = float(values.mean())
    sums = totals(values - mean, clusters)
    groups = len(sums)
    if groups < 2:
        return mean, np.nan, groups
    return mean, float(sums @ sums) / n**2 * groups / (groups - 1), groups


def interval_of(mean: float, variance: float, degrees: float, of: int) -> Estimate:
    """Wilson's interval of as many yes-or-no answers as would have this variance.

    Judgments that are averaged over two orders vary less than answers of yes or no, and count for
    more of these. Where all items agree, the variance says nothing, and each cluster counts as one.
    `degrees` are those of freedom that the variance has: one less than there are clusters.

    >>> found = interval_of(0.5, 0.25 / 99, 99, 100)
    >>> round(found["low"], 2), round(found["high"], 2)
    (0.4, 0.6)
    """
    if degrees < 1:
        low, high = (None, None) if degrees < 0 else (0.0, 1.0)
        return {"value": None if degrees < 0 else mean, "low": low, "high": high, "of": of}
    effective = degrees + 1.0
    if variance > 0 and 0 < mean < 1:
        effective = mean * (1 - mean) / variance
    low, high = share_ends(mean, effective, degrees)
    return {"value": mean, "low": float(low), "high": float(high), "of": of}

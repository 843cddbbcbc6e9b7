"""The interval of a mean in [0, 1] from its variance: Wilson's, with t quantiles."""

import numpy as np
from scipy.stats import norm, t
from statsmodels.stats.proportion import proportion_confint

from builders.audit.statistics.clusters import Estimate, totals


def mean_with_interval(
    values: np.ndarray, clusters: np.ndarray, confidence: float = 0.95
) -> Estimate:
    """The mean of `values` in [0, 1], NaN left out, with an interval over clusters."""
    known = ~np.isnan(values)
    mean, variance, groups = mean_and_variance(values[known], clusters[known])
    return interval_of(mean, variance, groups, int(known.sum()), confidence)


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


def interval_of(
    mean: float, variance: float, groups: int, of: int, confidence: float = 0.95
) -> Estimate:
    """Wilson's interval of as many yes-or-no answers as would have this variance.

    Judgments that are averaged over two orders vary less than answers of yes or no, and count for
    more of these. Where all items agree, the variance says nothing, and each cluster counts as one.

    >>> found = interval_of(0.5, 0.25 / 99, 100, 100)
    >>> round(found["low"], 2), round(found["high"], 2)
    (0.4, 0.6)
    """
    if groups < 2:
        low, high = (None, None) if not groups else (0.0, 1.0)
        return {"value": mean if groups else None, "low": low, "high": high, "of": of}
    effective = float(groups)
    if variance > 0 and 0 < mean < 1:
        effective = mean * (1 - mean) / variance
    # The two-sided tail of a normal quantile that is as large as the t quantile.
    tail = 2 * norm.sf(t.isf((1 - confidence) / 2, groups - 1))
    low, high = proportion_confint(mean * effective, effective, tail, method="wilson")
    return {"value": mean, "low": float(low), "high": float(high), "of": of}

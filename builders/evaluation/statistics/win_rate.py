"""Win rates without a model of the judge: raw, balanced, and of the refinement over the draft."""

import numpy as np
from typing_extensions import TypedDict

from builders.audit.statistics.clusters import Estimate, totals, z_of
from builders.evaluation.statistics.intervals import (
    interval_of,
    mean_and_variance,
    mean_with_interval,
)


class Consistency(TypedDict):
    """How a judge that saw both orders takes to them.

    `same` is the share of pairs on which both orders have one winner, or both a tie; `first` how
    often the answer that is shown first is preferred: one half without a taste for places.
    """

    same: Estimate
    first: Estimate


def win_rate(y: np.ndarray, clusters: np.ndarray) -> Estimate:
    """The mean preference for the model's answer."""
    return mean_with_interval(y, clusters)


def balanced_win_rate(y: np.ndarray, longer: np.ndarray, clusters: np.ndarray) -> Estimate:
    """The mean of the win rates where the model's answer is the longer one and where the shorter.

    Pairs of equal length are in neither. Undefined unless both kinds occur.
    """
    known = ~np.isnan(y)
    halves = [
        mean_and_variance(y[own], clusters[own])
        for own in (known & (longer > 0), known & (longer < 0))
    ]
    of = int((known & (longer != 0)).sum())
    (above, error_above, n_above), (below, error_below, n_below) = halves
    if not n_above or not n_below:
        return {"value": None, "low": None, "high": None, "of": of}
    # Satterthwaite's degrees of freedom of a sum of two variances.
    squares = error_above**2 / max(n_above - 1, 1) + error_below**2 / max(n_below - 1, 1)
    degrees = float(min(n_above, n_below) - 1)
    if squares > 0:
        degrees = (error_above + error_below) ** 2 / squares
    return interval_of((above + below) / 2, (error_above + error_below) / 4, degrees, of)


def difference(refinement: np.ndarray, draft: np.ndarray, clusters: np.ndarray) -> Estimate:
    """The mean of refinement − draft per instruction, where both are known, with a 95% interval.

    Bonett and Price (2012) add two pairs, of which one is better by 1 and the other worse by 1,
    without which pairs that are the same by chance would show no variance. Judgments are averaged
    over two orders, and most answers that differ do so by one half: the two pairs differ as much as
    the others that do, and one more that differs by 1.
    """
    d = refinement - draft
    known = ~np.isnan(d)
    d, clusters = d[known], clusters[known]
    n = len(d)
    if not n:
        return {"value": None, "low": None, "high": None, "of": 0}
    mean = float(d.mean())
    sums = totals(d - mean, clusters)
    size = (d @ d + 1) / (np.count_nonzero(d) + 1)
    reach = z_of(0.025) * float(np.sqrt(sums @ sums + 2 * size)) / (n + 2)
    return {"value": mean, "low": max(mean - reach, -1.0), "high": min(mean + reach, 1.0), "of": n}


def consistency(
    shown_first: np.ndarray, shown_second: np.ndarray, clusters: np.ndarray
) -> Consistency:
    """Of judgments of the model's answer in both places, each in [0, 1] or NaN.

    >>> always_first = consistency(np.ones(4), np.zeros(4), np.arange(4))
    >>> always_first["same"]["value"], always_first["first"]["value"]
    (0.0, 1.0)
    """
    both = ~np.isnan(shown_first) & ~np.isnan(shown_second)
    first, second, clusters = shown_first[both], shown_second[both], clusters[both]
    same = (np.sign(first - 0.5) == np.sign(second - 0.5)).astype(float)
    return {
        "same": mean_with_interval(same, clusters),
        "first": mean_with_interval((first + 1 - second) / 2, clusters),
    }

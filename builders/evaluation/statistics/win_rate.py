"""Win rates without a model of the judge: raw, balanced, and of the refinement over the draft."""

import numpy as np
from scipy.stats import t
from typing_extensions import TypedDict

from builders.audit.statistics.clusters import Estimate
from builders.audit.statistics.paired import center_and_error
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
    variance = (error_above + error_below) / 4
    # Satterthwaite's degrees of freedom would need both; the smaller half's are the safe ones.
    groups = min(n_above, n_below)
    return interval_of((above + below) / 2, variance, groups, of)


def difference(
    refinement: np.ndarray, draft: np.ndarray, clusters: np.ndarray, confidence: float = 0.95
) -> Estimate:
    """The mean of refinement − draft per instruction, where both are known; Bonett and Price."""
    d = refinement - draft
    known = ~np.isnan(d)
    d, clusters = d[known], clusters[known]
    n = len(d)
    if not n:
        return {"value": None, "low": None, "high": None, "of": 0}
    center, error = center_and_error(d, clusters)
    reach = float(t.isf((1 - confidence) / 2, max(len(np.unique(clusters)) - 1, 1))) * error
    low, high = max(center - reach, -1.0), min(center + reach, 1.0)
    return {"value": float(d.mean()), "low": low, "high": high, "of": n}


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

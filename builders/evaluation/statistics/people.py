"""A win rate corrected by people, and how many of them to ask.

The correction is prediction-powered inference (`builders.audit.statistics.prediction_powered`).
"""

from math import ceil, sqrt

import numpy as np
from typing_extensions import TypedDict

from builders.audit.statistics.clusters import Estimate, z_of
from builders.audit.statistics.prediction_powered import LEAST_VERDICTS, prediction_powered

# Where nobody was asked yet: the spread of answers of yes or no at one half.
_WIDEST = 0.5


class CorrectedRate(TypedDict):
    """What people would say of all items, by a sample of them and the judge on all.

    `people` is the sample's own mean with its interval. `verdicts` of people together with the
    judge are as precise as `effective` of people alone. `correlation` is that of people with the
    judge; it helps if it is above `needed`. `judge_minus_people` is how much the judge flatters the
    answer on the items that people saw. None of the figures below 30 verdicts.
    """

    estimate: Estimate
    people: Estimate
    verdicts: int
    effective: float | None
    slope: float | None
    correlation: float | None
    needed: float | None
    judge_minus_people: float | None


def corrected_rate(
    y: np.ndarray,
    f: np.ndarray,
    clusters: np.ndarray,
    strata: np.ndarray | None = None,
    stratum_sizes: dict[int, int] | None = None,
    *,
    least: float = 0.0,
) -> CorrectedRate:
    """`y` has people's preferences, NaN where nobody was asked, and `f` the judge's for all.

    A judgment that is missing counts as no preference: any guess about the judge keeps the figure
    right. `least` is the least value of y: 0, or −1 of differences.
    """
    asked = ~np.isnan(y)
    n, total = int(asked.sum()), len(y)
    f = np.where(np.isnan(f), (1 + least) / 2, f)
    nothing: Estimate = {"value": None, "low": None, "high": None, "of": total}
    result: CorrectedRate = {
        "estimate": nothing,
        "people": {**nothing, "of": n},
        "verdicts": n,
        "effective": None,
        "slope": None,
        "correlation": _correlation(y[asked], f[asked]),
        "needed": 1 / sqrt(n - 2) if n > 2 else None,
        "judge_minus_people": float((f - y)[asked].mean()) if n else None,
    }
    if n < LEAST_VERDICTS:
        return result
    design = {
        "strata": None if strata is None else strata[asked],
        "stratum_sizes": stratum_sizes,
        "clusters": clusters[asked],
    }

    def estimate(judge: np.ndarray, of: int) -> tuple[Estimate, float, float]:
        found = prediction_powered(y[asked], judge[asked], judge, **design)
        low, high = found.value - found.half_width, found.value + found.half_width
        interval: Estimate = {
            "value": found.value,
            "low": max(low, least),
            "high": min(high, 1.0),
            "of": of,
        }
        return interval, found.effective, found.slope

    corrected, effective, slope = estimate(f, total)
    people, _, _ = estimate(np.zeros(total), n)
    figures = {"estimate": corrected, "people": people, "effective": effective, "slope": slope}
    return {**result, **figures}


def verdicts_needed(
    half_width: float,
    total: int,
    correlation: float | None = None,
    spread: float = _WIDEST,
    confidence: float = 0.95,
) -> int | None:
    """How many of `total` items people have to judge for an interval of ± `half_width`.

    From V = s²/N + (1 − n/N)·s²(1 − r²)/n with the correlation r of people and judge (0 if it is
    not known) and the spread s of people's verdicts. None if asking about all is not enough: then
    the interval is wide because the instructions are few.

    >>> verdicts_needed(0.05, 805), verdicts_needed(0.05, 805, correlation=0.6)
    (385, 297)
    """
    z = z_of((1 - confidence) / 2)
    allowed = (half_width / z) ** 2 - spread**2 / total
    if allowed <= 0:
        return None
    residual = spread**2 * (1 - (correlation or 0.0) ** 2)
    n = residual / (allowed + residual / total)
    return min(total, max(LEAST_VERDICTS, ceil(n)))


def _correlation(y: np.ndarray, f: np.ndarray) -> float | None:
    if len(y) < 3 or np.ptp(y) == 0 or np.ptp(f) == 0:
        return None
    return float(np.corrcoef(y, f)[0, 1])

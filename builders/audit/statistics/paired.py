"""Did agreement with people fall? One paired statistic, its interval, and a verdict.

d_i = credit of the new judge − credit of the old one on the same pair, δ = their mean.
"""

from typing import Literal

import numpy as np
from scipy.special import bdtrc, ndtr
from typing_extensions import TypedDict

from builders.audit.statistics.clusters import totals, z_of

FLIPS = 20_000
_FLIPS_AT_ONCE = 1_000
POWER = 0.8

Verdict = Literal["fell", "not worse", "inconclusive"]


class Comparison(TypedDict):
    """A judge against an earlier one on `pairs` pairs; differences are shares, not points.

    `worse` and `better` count the pairs with d < 0 and d > 0. `low` and `high` are the ends of the
    interval at confidence 1 − 2·alpha, so that `low` is the one-sided bound. `pairs_needed` would
    decide with 80% power (None unless inconclusive); `detectable_fall` is the fall that these pairs
    would have found with 80% power.
    """

    pairs: int
    difference: float | None
    worse: int
    better: int
    p: float | None
    test: Literal["mid-p McNemar", "sign flips"]
    low: float | None
    high: float | None
    alpha: float
    margin: float
    verdict: Verdict
    pairs_needed: int | None
    detectable_fall: float | None


def compare(
    new: np.ndarray,
    old: np.ndarray,
    clusters: np.ndarray,
    *,
    margin: float = 0.05,
    alpha: float = 0.05,
) -> Comparison:
    """Whether the credits `new` fell below `old`, by the rule of this module.

    `fell` if the one-sided test of no fall has p < alpha; `not worse` if the lower bound is above
    −margin; else `inconclusive`, with the number of pairs that would decide.

    >>> d = np.repeat([-1.0, 1.0, 0.0], [15, 5, 80])
    >>> found = compare(d, np.zeros(100), np.arange(100))
    >>> found["verdict"], round(found["low"], 3), round(found["high"], 3)
    ('fell', -0.172, -0.024)
    """
    d = np.asarray(new, float) - np.asarray(old, float)
    n = len(d)
    p, test = p_of_fall(d, clusters)
    center, error = center_and_error(d, clusters)
    low, high = center - z_of(alpha) * error, center + z_of(alpha) * error
    # The variance of one pair, with what shared instructions add to it.
    variance = (n + 2) * error**2
    quantiles = z_of(alpha) + z_of(1 - POWER)
    verdict: Verdict = "inconclusive"
    if n and p < alpha:
        verdict = "fell"
    elif n and low > -margin:
        verdict = "not worse"
    needed = int(np.ceil(quantiles**2 * variance / margin**2))
    return {
        "pairs": n,
        "difference": float(d.mean()) if n else None,
        "worse": int((d < 0).sum()),
        "better": int((d > 0).sum()),
        "p": p if n else None,
        "test": test,
        "low": low if n else None,
        "high": high if n else None,
        "alpha": alpha,
        "margin": margin,
        "verdict": verdict,
        # With a fall between 0 and the margin, more pairs than these are needed either way.
        "pairs_needed": max(needed, n + 1) if verdict == "inconclusive" else None,
        "detectable_fall": float(quantiles * np.sqrt(variance / n)) if n else None,
    }


def p_of_fall(
    d: np.ndarray, clusters: np.ndarray
) -> tuple[float, Literal["mid-p McNemar", "sign flips"]]:
    """The one-sided p value of δ < 0, and the test it is from; 1 if all differences are 0.

    Mid-p McNemar (Fagerland, Lydersen, Laake 2013) if each changed pair changed from right to wrong
    or back, and all are from different instructions. With fractions, sign flips, all pairs of an
    instruction together.
    """
    changed = d != 0
    independent = len(np.unique(clusters[changed])) == changed.sum()
    if not changed.any():
        return 1.0, "mid-p McNemar"
    if (np.abs(d[changed]) == 1).all() and independent:
        return mid_p(int((d < 0).sum()), int((d > 0).sum())), "mid-p McNemar"
    return sign_flips(totals(d[changed], clusters[changed])), "sign flips"


def mid_p(down: int, up: int) -> float:
    """P(X > down) + ½·P(X = down) for X ~ Binomial(down + up, ½); 1 if nothing changed.

    >>> f"{mid_p(70, 14):.3e}"
    '1.214e-10'
    """
    if not down + up:
        return 1.0
    # The mean of P(X > down) and P(X > down - 1).
    return float(bdtrc(down, down + up, 0.5) + bdtrc(down - 1, down + up, 0.5)) / 2


def sign_flips(sums: np.ndarray) -> float:
    """The share of 20,000 random flips of the signs with a sum as low as that of `sums`.

    The signs as they are count as one more flip, so p is never 0. The seed is fixed.
    """
    observed = float(sums.sum())
    chance = np.random.Generator(np.random.PCG64(0))
    as_low = 1
    # Sums of the same halves and thirds in another order differ in their last bits.
    near = 1e-9 * max(1.0, float(np.abs(sums).sum()))
    for _ in range(0, FLIPS, _FLIPS_AT_ONCE):
        signs = 2.0 * chance.integers(2, size=(_FLIPS_AT_ONCE, len(sums)), dtype=np.int8) - 1.0
        as_low += int((signs @ sums <= observed + near).sum())
    return as_low / (FLIPS + 1)


def center_and_error(d: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """The center of the interval and its standard error (Bonett and Price).

    Two pseudo-pairs, d = +1 and d = −1, keep the interval honest where few pairs differ: with
    n' = n + 2 and m = Σd / n', the variance is v = (Σd² + 2) / n' − m² and the error √(v / n').
    For pairs that share instructions, v is from the totals of their deviations.
    """
    n = len(d) + 2
    center = float(d.sum()) / n
    deviations = totals(d - center, clusters)
    squares = float(deviations @ deviations) + (1 - center) ** 2 + (1 + center) ** 2
    return center, float(np.sqrt(squares)) / n


def power_of(
    fall: float,
    pairs: int,
    *,
    flipping: float = 0.25,
    alpha: float = 0.05,
) -> float:
    """How likely a fall (a share, such as 0.062) is found, if a share of the pairs flips.

    >>> [round(power_of(0.062, pairs), 2) for pairs in (100, 200, 500, 1000)]
    [0.35, 0.55, 0.87, 0.99]
    """
    error = np.sqrt((flipping - fall**2) / pairs)
    return float(ndtr(fall / error - z_of(alpha)))

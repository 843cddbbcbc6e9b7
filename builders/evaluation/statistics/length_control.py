"""The win rate at equal length, as AlpacaEval 2 defines it (Dubois et al., 2404.04475).

    logit P_i = w_L·tanh((len_ref − len_model)_i / sd) + w_D·difficulty_i + w_M

is fitted to the judge's preferences, without an intercept, with lengths in characters and their
standard deviation over the model's own rows (ddof 1). The figure is the mean of P_i with the first
term taken away. Anchors are judgments of the reference against itself, asked to be concise and
verbose: their w_M has the feature 0, and they weigh 0.1 each. Without difficulty and anchors it is
another figure, with a wider interval ("minimal").

The interval is that of instructions drawn again: it comes from the influence of each instruction on
the figure, through the fit of all weights and the standard deviation of the lengths, which the
standard error of P_i alone ignores (`fit`). A bootstrap with a new fit for each resample has the
same error, and its percentiles held the truth of 100 instructions in 92% to 94% of draws only.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import expit
from typing_extensions import TypedDict

from builders.audit.statistics.clusters import Estimate, totals
from builders.evaluation.statistics.intervals import interval_of, mean_with_interval
from builders.review.statistics.intervals import t_quantile

ANCHOR_WEIGHT = 0.1
# With fewer judgments, a fit of three weights says nothing.
LEAST_JUDGMENTS = 20
_STEPS, _LARGEST_STEP, _CLOSE = 60, 4.0, 1e-8
# Keeps the equations solvable where a feature is constant or separates the answers.
_RIDGE = 1e-8
# A row that alone decides a weight has a leverage of 1, which leaves no residual to learn from.
_MOST_LEVERAGE = 0.95
_NONE: Estimate = {"value": None, "low": None, "high": None, "of": 0}


@dataclass(frozen=True)
class Anchors:
    """`shorter` is tanh of the standardized length difference, `difficulty` that of its row."""

    y: np.ndarray
    shorter: np.ndarray
    difficulty: np.ndarray


class LengthControlled(TypedDict):
    """`value` at equal length, and the judge's taste for length.

    `variant` says which features were fitted: `difficulty and anchors` as AlpacaEval 2 does,
    `difficulty`, `anchors`, or `minimal`; `no length` where all answers differ from the reference
    by the same length, and None where there are too few judgments. `taste` is −w_L; `longer_wins`
    what it comes to: how often an answer wins that is one standard deviation (`characters`) longer
    than an equally good one.
    """

    variant: str | None
    value: Estimate
    taste: Estimate
    longer_wins: Estimate
    characters: float | None


def length_controlled(
    y: np.ndarray,
    longer: np.ndarray,
    clusters: np.ndarray,
    difficulty: np.ndarray | None = None,
    anchors: Anchors | None = None,
) -> LengthControlled:
    """The length-controlled win rate of `y`, and the taste that was controlled for.

    Every row counts in the mean; rows with an unknown preference are not fitted.
    """
    known = ~np.isnan(y)
    of = int(known.sum())
    nothing: Estimate = {**_NONE, "of": of}
    if of < LEAST_JUDGMENTS:
        return {
            "variant": None,
            "value": nothing,
            "taste": nothing,
            "longer_wins": nothing,
            "characters": None,
        }
    fitted = fit(y, longer, difficulty, anchors)
    variance, degrees = _variance(fitted.moves_value, clusters)
    figure = interval_of(fitted.value, variance, degrees, of)
    taste, wins = nothing, nothing
    if not np.ptp(y[known]):
        # No fit without an instruction differs either, which is no reason to be certain.
        figure = mean_with_interval(y, clusters)
    elif fitted.uses_length:
        variance, degrees = _variance(fitted.moves_taste, clusters)
        reach = t_quantile(degrees) * sqrt(variance)
        ends = fitted.taste - reach, fitted.taste + reach
        taste = _estimate(fitted.taste, *ends, of)
        wins = _estimate(*(expit(one * np.tanh(1.0)) for one in (fitted.taste, *ends)), of)
    return {
        "variant": _variant(fitted.uses_length, difficulty, anchors),
        "value": figure,
        "taste": taste,
        "longer_wins": wins,
        "characters": float(longer.std(ddof=1)) if fitted.uses_length else None,
    }


def length_controlled_difference(
    after: tuple[np.ndarray, np.ndarray],
    before: tuple[np.ndarray, np.ndarray],
    clusters: np.ndarray,
    difficulty: np.ndarray | None = None,
    anchors: Anchors | None = None,
) -> Estimate:
    """The figure of `after` minus that of `before`, (y, longer) each, on the same instructions.

    An instruction moves both, so what they have in common is in neither interval.
    """
    of = int((~np.isnan(after[0]) & ~np.isnan(before[0])).sum())
    if of < LEAST_JUDGMENTS:
        return {**_NONE, "of": of}
    own, other = (fit(*one, difficulty, anchors) for one in (after, before))
    variance, degrees = _variance(own.moves_value - other.moves_value, clusters)
    value, reach = own.value - other.value, t_quantile(degrees) * sqrt(variance)
    return _estimate(value, max(value - reach, -1.0), min(value + reach, 1.0), of)


def _estimate(value: float, low: float, high: float, of: int) -> Estimate:
    return {"value": float(value), "low": float(low), "high": float(high), "of": of}


def _variance(moves: np.ndarray, clusters: np.ndarray) -> tuple[float, int]:
    """The variance of a figure that each row moves so far, and its degrees of freedom."""
    sums = totals(moves - moves.mean(), clusters)
    return float(sums @ sums), len(sums) - 1


def _variant(uses_length: bool, difficulty: np.ndarray | None, anchors: Anchors | None) -> str:
    if not uses_length:
        return "no length"
    given = {"difficulty": difficulty, "anchors": anchors}
    return " and ".join(name for name, one in given.items() if one is not None) or "minimal"


@dataclass(frozen=True)
class Fit:
    """The figures of one fit, and how far each row (n) moves them."""

    uses_length: bool
    value: float
    taste: float
    moves_value: np.ndarray
    moves_taste: np.ndarray


def fit(
    y: np.ndarray, longer: np.ndarray, difficulty: np.ndarray | None, anchors: Anchors | None
) -> Fit:
    """The win rate at equal length and −w_L, with the influence of each row on both.

    The influence is the derivative of a figure by the weight of the row, over n (the infinitesimal
    jackknife). It includes what the row does to the weights w and to the standard deviation of the
    lengths. Its square sum is the figure's variance; as residuals of fitted rows are too small, the
    part of a row that is its residual is divided by √(1 − leverage) (HC2; MacKinnon, White 1985).
    """
    n, known = len(y), ~np.isnan(y)
    uses_length = bool(np.ptp(longer))
    sd = float(longer.std(ddof=1)) if uses_length else 1.0
    columns = [np.ones(n)]
    if difficulty is not None:
        columns.append(difficulty)
    if uses_length:
        columns.append(np.tanh(-longer / sd))
    x, counted = np.stack(columns, axis=1), known.astype(float)
    targets = np.where(known, y, 0.0)
    w, curvature = _with_anchors(x, targets, counted, anchors, difficulty is not None, uses_length)
    inverse = np.linalg.inv(curvature)
    chances = expit(x @ w)
    residuals, spread = counted * (targets - chances), counted * chances * (1 - chances)
    leverages = np.minimum(spread * ((x @ inverse) * x).sum(axis=1), _MOST_LEVERAGE)
    on_w = x * (residuals / np.sqrt(1 - leverages))[:, None]
    if uses_length:
        # Through the standard deviation: how far a row moves it, and it the equations of w.
        on_sd = ((longer - longer.mean()) ** 2 * n / (n - 1) - sd**2) / (2 * sd * n)
        slope = (1 - x[:, -1] ** 2) * longer / sd**2
        by_sd = -x.T @ (spread * w[-1] * slope)
        by_sd[-1] += residuals @ slope
        on_w += on_sd[:, None] * by_sd
    on_w = on_w @ inverse
    rest = slice(0, x.shape[1] - uses_length)
    equal = expit(x[:, rest] @ w[rest])
    by_w = x[:, rest].T @ (equal * (1 - equal)) / n
    value = float(equal.mean())
    return Fit(
        uses_length,
        value,
        -float(w[-1]) if uses_length else 0.0,
        (equal - value) / n + on_w[:, rest] @ by_w,
        -on_w[:, -1] if uses_length else np.zeros(n),
    )


def _with_anchors(
    x: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray,
    anchors: Anchors | None,
    uses_difficulty: bool,
    uses_length: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """The fit of the rows and the anchors, whose features are in the order of those in `x`."""
    if anchors is not None:
        m = len(anchors.y)
        columns = [np.zeros(m)]
        columns += [anchors.difficulty] * uses_difficulty + [anchors.shorter] * uses_length
        x = np.concatenate([x, np.stack(columns, axis=1)])
        y = np.concatenate([y, anchors.y])
        weights = np.concatenate([weights, np.full(m, ANCHOR_WEIGHT)])
    return fit_logistic(x, y, weights)


def fit_logistic(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The weights w (p) of a logistic regression, and the curvature (p, p) of its likelihood at w.

    x is (n, p), y (n) in [0, 1], weights (n). Newton's method on the likelihood of `statsmodels`'
    GLM with `Binomial()` and `freq_weights`, which takes a second to import.
    """
    w = np.zeros(x.shape[1])
    ridge = _RIDGE * weights.sum()
    for _ in range(_STEPS):
        chances = expit(x @ w)
        slope = x.T @ (weights * (y - chances)) - ridge * w
        spread = weights * chances * (1 - chances)
        curvature = x.T @ (x * spread[:, None]) + ridge * np.eye(len(w))
        step = np.linalg.solve(curvature, slope)
        length = np.abs(step).max()
        w += step * min(1.0, _LARGEST_STEP / max(length, 1e-12))
        if length < _CLOSE:
            break
    return w, curvature

"""The win rate at equal length, as AlpacaEval 2 defines it (Dubois et al., 2404.04475).

    logit P_i = w_L·tanh((len_ref − len_model)_i / sd) + w_D·difficulty_i + w_M

is fitted to the judge's preferences, without an intercept, with lengths in characters and their
standard deviation over the model's own rows (ddof 1). The figure is the mean of P_i with the first
term taken away. Anchors are judgments of the reference against itself, asked to be concise and
verbose: their w_M has the feature 0, and they weigh 0.1 each. Without difficulty and anchors it is
another figure, with a wider interval ("minimal").

The interval is a bootstrap over instructions with a new fit for each resample; the standard error
of P_i alone ignores that w is estimated.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from scipy.stats import norm, t
from typing_extensions import TypedDict

from builders.audit.statistics.clusters import Estimate
from builders.evaluation.statistics.intervals import mean_with_interval

ANCHOR_WEIGHT = 0.1
# With fewer judgments, a fit of three weights says nothing.
LEAST_JUDGMENTS = 20
RESAMPLES = 1000
# Fits are made together as long as they have so few rows in all.
_AT_ONCE = 100_000
_STEPS, _LARGEST_STEP, _CLOSE = 60, 4.0, 1e-6
# Keeps the equations solvable where a feature is constant or separates the answers.
_RIDGE = 1e-8
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
    resamples: int = RESAMPLES,
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
    model = _Model(y, longer, difficulty, anchors)
    (value,), (own_taste,), weights = model.figures()
    values, tastes = model.bootstrap(clusters, resamples, weights)
    figure = _estimate(value, values, of)
    taste, wins = nothing, nothing
    if not np.ptp(y[known]):
        # No resample differs either, which is no reason to be certain.
        figure = mean_with_interval(y, clusters)
    elif model.uses_length:
        taste = _estimate(own_taste, tastes, of)
        wins = _estimate(_wins(own_taste), _wins(tastes), of)
    return {
        "variant": model.variant,
        "value": figure,
        "taste": taste,
        "longer_wins": wins,
        "characters": float(longer.std(ddof=1)) if model.uses_length else None,
    }


def _wins(tastes: np.ndarray | float) -> np.ndarray:
    return expit(tastes * np.tanh(1.0))


def _estimate(value: float, drawn: np.ndarray, of: int) -> Estimate:
    """The value with its percentile interval, at the quantiles that t and n − 1 make of 95%.

    Without that, percentiles of few instructions are too narrow (Hesterberg 2015, section 4.6).
    """
    tail = float(norm.sf(t.isf(0.025, of - 1) * np.sqrt(of / (of - 1))))
    low, high = np.quantile(drawn, (tail, 1 - tail))
    return {"value": float(value), "low": float(low), "high": float(high), "of": of}


def length_controlled_difference(
    after: tuple[np.ndarray, np.ndarray],
    before: tuple[np.ndarray, np.ndarray],
    clusters: np.ndarray,
    difficulty: np.ndarray | None = None,
    anchors: Anchors | None = None,
    resamples: int = RESAMPLES,
) -> Estimate:
    """The figure of `after` minus that of `before`, (y, longer) each, on the same instructions.

    Both are fitted to each resample, so what they have in common is in neither interval.
    """
    of = int((~np.isnan(after[0]) & ~np.isnan(before[0])).sum())
    if of < LEAST_JUDGMENTS:
        return {**_NONE, "of": of}
    models = [_Model(*one, difficulty, anchors) for one in (after, before)]
    fitted = [model.figures() for model in models]
    # The resamples have a fixed seed: they are the same for both.
    drawn = [
        model.bootstrap(clusters, resamples, weights)[0]
        for model, (_, _, weights) in zip(models, fitted, strict=True)
    ]
    return _estimate(fitted[0][0][0] - fitted[1][0][0], drawn[0] - drawn[1], of)


@dataclass(frozen=True)
class _Model:
    """What is fitted. Features are in the order: w_M's, difficulty, length, as far as there are."""

    y: np.ndarray
    longer: np.ndarray
    difficulty: np.ndarray | None
    anchors: Anchors | None

    @property
    def uses_length(self) -> bool:
        return bool(np.ptp(self.longer))

    @property
    def variant(self) -> str:
        if not self.uses_length:
            return "no length"
        given = {"difficulty": self.difficulty, "anchors": self.anchors}
        return " and ".join(name for name, one in given.items() if one is not None) or "minimal"

    def bootstrap(
        self, clusters: np.ndarray, count: int, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The figures of `count` resamples of the clusters, fitted from `weights` on."""
        names, places = np.unique(clusters, return_inverse=True)
        chance = np.random.Generator(np.random.PCG64(0))
        at_once = max(1, _AT_ONCE // len(self.y))
        parts = []
        for start in range(0, count, at_once):
            size = min(at_once, count - start)
            drawn = chance.multinomial(len(names), np.full(len(names), 1 / len(names)), size=size)
            parts.append(self.figures(drawn[:, places].astype(float), weights)[:2])
        values, tastes = (np.concatenate(part) for part in zip(*parts, strict=True))
        return values, tastes

    def figures(
        self, counts: np.ndarray | None = None, start: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The win rate at equal length, −w_L and w, where rows count as `counts` (b, n) says.

        Without `counts`, each row counts once, and b is 1.
        """
        counts = np.ones((1, len(self.y))) if counts is None else counts
        features, known = self._features(counts), ~np.isnan(self.y)
        x, y, weights = features[:, known], self.y[known], counts[:, known]
        if self.anchors is not None:
            anchors = self._anchor_features()
            b, m = len(counts), len(anchors)
            x = np.concatenate([x, np.broadcast_to(anchors, (b, *anchors.shape))], axis=1)
            y = np.concatenate([y, self.anchors.y])
            weights = np.concatenate([weights, np.full((b, m), ANCHOR_WEIGHT)], axis=1)
        w = fit_logistic(x, y, weights, start)
        taste, rest = np.zeros(len(counts)), w
        if self.uses_length:
            taste, rest, features = -w[:, -1], w[:, :-1], features[:, :, :-1]
        chances = expit((features @ rest[:, :, None])[:, :, 0])
        return (counts * chances).sum(axis=1) / counts.sum(axis=1), taste, w

    def _features(self, counts: np.ndarray) -> np.ndarray:
        columns = [np.ones(counts.shape)]
        if self.difficulty is not None:
            columns.append(np.broadcast_to(self.difficulty, counts.shape))
        if self.uses_length:
            total = counts.sum(axis=1, keepdims=True)
            centered = self.longer - counts @ self.longer[:, None] / total
            squares = (counts * centered**2).sum(axis=1, keepdims=True)
            sd = np.sqrt(squares / np.maximum(total - 1, 1))
            # A resample can be of answers that all differ alike.
            columns.append(np.tanh(-self.longer / np.maximum(sd, 1e-9)))
        return np.stack(columns, axis=2)

    def _anchor_features(self) -> np.ndarray:
        columns = [np.zeros(len(self.anchors.y))]
        if self.difficulty is not None:
            columns.append(self.anchors.difficulty)
        if self.uses_length:
            columns.append(self.anchors.shorter)
        return np.stack(columns, axis=1)


def fit_logistic(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, start: np.ndarray | None = None
) -> np.ndarray:
    """The weights (b, p) of b logistic regressions: x (b, n, p), y (n) in [0, 1], weights (b, n).

    Newton's method on the likelihood of `statsmodels`' GLM with `Binomial()` and `freq_weights`,
    whose fits, one at a time, take twenty times as long.
    """
    b, _, p = x.shape
    w = np.zeros((b, p)) if start is None else np.repeat(start, b, axis=0)
    ridge = _RIDGE * weights.sum(axis=1)[:, None]
    for _ in range(_STEPS):
        chances = expit((x @ w[:, :, None])[:, :, 0])
        residuals = weights * (y - chances)
        slope = (residuals[:, None, :] @ x)[:, 0] - ridge * w
        spread = x * (weights * chances * (1 - chances))[:, :, None]
        curvature = spread.transpose(0, 2, 1) @ x + ridge[:, :, None] * np.eye(p)
        step = np.linalg.solve(curvature, slope[:, :, None])[:, :, 0]
        length = np.abs(step).max(axis=1, keepdims=True)
        w += step * np.minimum(1.0, _LARGEST_STEP / np.maximum(length, 1e-12))
        if length.max() < _CLOSE:
            break
    return w

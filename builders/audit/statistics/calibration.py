"""What a score means: from the margin to how likely people prefer B, and scores beside people's."""

import numpy as np
from scipy.special import expit
from typing_extensions import TypedDict


class Calibration(TypedDict):
    """CORP (Dimitriadis, Gneiting, Jordan 2021): Brier score = MCB − DSC + UNC.

    `discrimination` is the one number for "does the score mean anything": 0 if the margin says
    nothing, `uncertainty` (¼) if it says everything. `miscalibration` is of the forecast that a
    point of margin is a factor e in the odds. `curve` has {margin, chance, pairs}: the chance that
    people prefer the answer that scores so much higher.
    """

    brier: float | None
    miscalibration: float | None
    discrimination: float | None
    uncertainty: float | None
    pairs: int
    curve: list[dict[str, float]]


class ScoreError(TypedDict):
    """A judge's scores beside people's mean scores of the same answers, in points.

    `absolute` is the mean distance over the judge's scores, each weighted by its answers (MACE);
    `signed` is its signed form: above 0 if the judge is more generous than people.
    """

    absolute: float | None
    signed: float | None
    answers: int


def corp(margins: np.ndarray, shares: np.ndarray) -> Calibration:
    """The calibration of margins; unreadable ones and pairs in which nobody chose are left out.

    Which answer is called B means nothing, so each pair counts in both orders.
    """
    known = ~np.isnan(margins) & ~np.isnan(shares)
    margins, shares = margins[known], shares[known]
    n = len(margins)
    if not n:
        empty = dict.fromkeys(("brier", "miscalibration", "discrimination", "uncertainty"))
        return {**empty, "pairs": 0, "curve": []}
    # Imported here: scipy.optimize takes half a second.
    from scipy.optimize import isotonic_regression

    x, y = np.concatenate([margins, -margins]), np.concatenate([shares, 1 - shares])
    values, places, counts = np.unique(x, return_inverse=True, return_counts=True)
    means = np.bincount(places, y) / counts
    chances = isotonic_regression(means, weights=counts).x
    brier, recalibrated = (np.mean((p - y) ** 2) for p in (expit(x), chances[places]))
    uncertainty = np.mean((y.mean() - y) ** 2)
    return {
        "brier": float(brier),
        "miscalibration": float(brier - recalibrated),
        "discrimination": float(uncertainty - recalibrated),
        "uncertainty": float(uncertainty),
        "pairs": n,
        "curve": [
            # Both orders of a tie have the margin 0.
            {
                "margin": abs(float(margin)),
                "chance": float(chance),
                "pairs": int(count) // (1 if margin else 2),
            }
            for margin, chance, count in zip(values, chances, counts, strict=True)
            if margin >= 0
        ],
    }


def score_error(scores: np.ndarray, people: np.ndarray) -> ScoreError:
    """MACE of the judge's `scores` of answers, given people's mean scores; NaN where unknown."""
    known = ~np.isnan(scores) & ~np.isnan(people)
    scores, people = scores[known], people[known]
    n = len(scores)
    if not n:
        return {"absolute": None, "signed": None, "answers": 0}
    values, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    distances = values - np.bincount(places, people) / counts
    return {
        "absolute": float(counts @ np.abs(distances) / n),
        "signed": float(counts @ distances / n),
        "answers": n,
    }

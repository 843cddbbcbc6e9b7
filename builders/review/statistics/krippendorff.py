"""Krippendorff's alpha: agreement beyond chance. Ratings may be missing.

From K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011). Implemented here because
the package `krippendorff` is under the GPL, which is incompatible with this project's license.
"""

from collections.abc import Sequence

import numpy as np

from builders.review.verdicts import Ratings

LEVELS = ("nominal", "ordinal", "interval")


def krippendorff_alpha(ratings: Ratings, values: Sequence, level: str) -> float | None:
    """Alpha at a level of measurement; `values` in ascending order, numbers for `interval`.

    None if all ratings are the same, or no record has two.
    """
    value = float(alpha(coincidences(ratings, values).sum(axis=0), level, values))
    return value if np.isfinite(value) else None


def coincidences(ratings: Ratings, values: Sequence) -> np.ndarray:
    """The ordered pairs of values of each record with two or more ratings: (records, K, K).

    A record of m ratings has m (m - 1) such pairs, each counted as 1 / (m - 1).
    """
    place = {value: number for number, value in enumerate(values)}
    counts = np.zeros((len(ratings), len(values)))
    for record, answers in enumerate(ratings.values()):
        for answer in answers.values():
            counts[record, place[answer]] += 1
    counts = counts[counts.sum(axis=1) >= 2]
    pairs = counts[:, :, None] * counts[:, None, :]
    diagonal = np.arange(len(values))
    pairs[:, diagonal, diagonal] -= counts
    return pairs / (counts.sum(axis=1) - 1)[:, None, None]


def alpha(table: np.ndarray, level: str, values: Sequence[float]) -> np.ndarray:
    """Alpha of each of several tables of coincidences (…, K, K).

    NaN where all ratings are the same or there are none. `values` are those of the rows and
    columns, in ascending order; only `interval` uses them.
    """
    table = np.asarray(table, float)
    totals = table.sum(axis=-1)
    distances = _squared_distances(totals, level, values)
    expected = np.einsum("...i,...ij,...j->...", totals, distances, totals)
    observed = (totals.sum(axis=-1) - 1) * (table * distances).sum(axis=(-2, -1))
    defined = expected > 0
    return np.where(defined, 1 - observed / np.where(defined, expected, 1), np.nan)


def _squared_distances(totals: np.ndarray, level: str, values: Sequence[float]) -> np.ndarray:
    """The squared difference of every two values at a level of measurement (…, K, K)."""
    if level == "nominal":
        return 1 - np.eye(totals.shape[-1])
    if level == "interval":
        numbers = np.asarray(values, float)
        return (numbers[:, None] - numbers) ** 2
    if level == "ordinal":
        # The number of ratings between two values, half of those at the ends included.
        middles = np.cumsum(totals, axis=-1) - totals / 2
        return (middles[..., :, None] - middles[..., None, :]) ** 2
    raise ValueError(f"level is {level!r}, not one of {LEVELS}")

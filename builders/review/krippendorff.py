"""Krippendorff's alpha: how far ratings agree beyond chance, any of which may be missing.

After K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011). Written here because
the package `krippendorff` is under the GPL, which the licence of this project cannot take in.
"""

from collections.abc import Sequence

import numpy as np

from builders.review.counted import Ratings

LEVELS = ("nominal", "ordinal", "interval")


def coincidences(ratings: Ratings, values: Sequence) -> np.ndarray:
    """For each record of two ratings or more, its ordered pairs of values: (records, K, K).

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


def alpha(table: np.ndarray, level: str, values: Sequence[float]) -> float:
    """Alpha of a table of coincidences (K × K); NaN where all ratings are the same or none is.

    `values` are what the rows and columns of the table stand for, in ascending order; only
    `interval` reads them.
    """
    totals = table.sum(axis=1)
    distances = _distances(totals, level, values)
    expected = totals @ distances @ totals
    if not expected:
        return float("nan")
    return float(1 - (totals.sum() - 1) * (table * distances).sum() / expected)


def _distances(totals: np.ndarray, level: str, values: Sequence[float]) -> np.ndarray:
    """The squared difference of every two values, at a level of measurement."""
    if level == "nominal":
        return 1 - np.eye(len(totals))
    if level == "interval":
        numbers = np.asarray(values, float)
        return (numbers[:, None] - numbers) ** 2
    if level == "ordinal":
        # How many ratings lie between two values, the two counted by half.
        middles = np.cumsum(totals) - totals / 2
        return (middles[:, None] - middles) ** 2
    raise ValueError(f"level is {level!r}, not one of {LEVELS}")

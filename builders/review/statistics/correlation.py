"""Rank correlations of tables of counts, several at once: arrays of (…, rows, columns).

scipy computes both from samples, at the cost of sorting each.
"""

import numpy as np


def spearman(table: np.ndarray) -> np.ndarray:
    """Spearman's rho: Pearson's correlation of the mean ranks; NaN if a value is constant."""
    table = np.asarray(table, float)
    total = table.sum(axis=(-2, -1))[..., None]
    sums = table.sum(axis=-1), table.sum(axis=-2)
    rows, columns = (np.cumsum(one, axis=-1) - one / 2 - total / 2 for one in sums)
    together = np.einsum("...i,...ij,...j->...", rows, table, columns)
    spread = np.sqrt((sums[0] * rows**2).sum(axis=-1) * (sums[1] * columns**2).sum(axis=-1))
    return _quotient(together, spread)


def kendall(table: np.ndarray) -> np.ndarray:
    """Kendall's tau-b; NaN if a value is constant."""
    table = np.asarray(table, float)
    # The counts below and to the right, and below and to the left, of each cell.
    right = np.cumsum(np.cumsum(table[..., ::-1, ::-1], axis=-2), axis=-1)[..., ::-1, ::-1]
    left = np.cumsum(np.cumsum(table[..., ::-1, :], axis=-2)[..., ::-1, :], axis=-1)
    concordant = (table[..., :-1, :-1] * right[..., 1:, 1:]).sum(axis=(-2, -1))
    discordant = (table[..., :-1, 1:] * left[..., 1:, :-1]).sum(axis=(-2, -1))
    total = table.sum(axis=(-2, -1)) ** 2
    first, second = (total - (table.sum(axis=axis) ** 2).sum(axis=-1) for axis in (-1, -2))
    return _quotient(2 * (concordant - discordant), np.sqrt(np.maximum(first * second, 0)))


def _quotient(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    defined = bottom > 0
    return np.where(defined, top / np.where(defined, bottom, 1), np.nan)

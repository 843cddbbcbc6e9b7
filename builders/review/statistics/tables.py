"""Figures computed from a table of counts that the records add up to: alpha and correlations.

What a record contributes to the error of such a figure is what the figure loses without it (the
jackknife). A record adds to few cells of a small table, so the tables without each record are
computed at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# A figure of each of several tables, (…, rows, columns) → (…); NaN where it is undefined.
TableStatistic = Callable[[np.ndarray], np.ndarray]

# Tables that are in memory at once.
_AT_ONCE = 500


@dataclass(frozen=True)
class Counts:
    """What each record adds to which cell: `amounts` of `cells` (row · columns + column).

    `owners` are the numbers of the records, from 0 to `records` - 1.
    """

    owners: np.ndarray
    cells: np.ndarray
    amounts: np.ndarray
    shape: tuple[int, int]
    records: int

    @property
    def of(self) -> int:
        """How many records add to the table."""
        return len(np.unique(self.owners))

    def table(self, weights: np.ndarray) -> np.ndarray:
        """The table of all records, each counted as often as its weight says."""
        size = self.shape[0] * self.shape[1]
        amounts = self.amounts * weights[self.owners]
        return np.bincount(self.cells, amounts, minlength=size).reshape(self.shape)

    def linearized(self, statistic: TableStatistic, weights: np.ndarray) -> np.ndarray:
        """What the statistic loses without each record: (records,).

        To the scale of a linearization: of a mean, it is that of the mean.
        """
        table = self.table(weights)
        all_records = float(statistic(table))
        size = self.shape[0] * self.shape[1]
        amounts = self.amounts * weights[self.owners]
        lost = np.zeros(self.records)
        order = np.argsort(self.owners, kind="stable")
        owners, cells, amounts = self.owners[order], self.cells[order], amounts[order]
        for first in range(0, self.records, _AT_ONCE):
            number = min(_AT_ONCE, self.records - first)
            begin, end = np.searchsorted(owners, (first, first + number))
            places = (owners[begin:end] - first) * size + cells[begin:end]
            own = np.bincount(places, amounts[begin:end], number * size)
            without = table - own.reshape(number, *self.shape)
            # Sums of floats may leave less than nothing in a cell.
            lost[first : first + number] = all_records - statistic(np.maximum(without, 0))
        # Undefined without a record that is the only one to differ.
        lost = np.where(np.isfinite(lost), lost, all_records)
        return lost * (1 - weights / weights.sum())


def crossed(
    first: Sequence[float], second: Sequence[float], owners: Sequence[int], records: int
) -> Counts:
    """Each pair of values adds 1 to its cell.

    Rows and columns are the distinct values of `first` and `second`, in ascending order.
    """
    rows, row_of = np.unique(np.asarray(first, float), return_inverse=True)
    columns, column_of = np.unique(np.asarray(second, float), return_inverse=True)
    shape = (max(len(rows), 1), max(len(columns), 1))
    cells = row_of * shape[1] + column_of
    return Counts(np.asarray(owners, int), cells, np.ones(len(cells)), shape, records)

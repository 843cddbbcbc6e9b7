"""The ledgers of one or several runs as one table, read in pieces, in the order of the runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builders.errors import BadInput
from builders.schema import LEDGER

Row = dict[str, Any]
# Why a row is dropped after its run has kept it: the reason and the detail.
Drop = tuple[str, str]

LEDGER_SCHEMA: pa.Schema = LEDGER.arrow_schema
# Parts of a few dozen rows are put together, and parts of many are cut.
_ROWS = 4096
_BYTES = 32 * 2**20


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """BadInput, naming the file, where parquet cannot be read."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{path}: not parquet ({str(error).splitlines()[0]})") from None


@dataclass(frozen=True)
class Ledgers:
    """`parts` are the files of each run's ledger, in order.

    `drops` are of rows that the runs have kept, by the number of the row, counted over all runs.
    """

    parts: Sequence[Sequence[Path]]
    drops: Mapping[int, Drop] = field(default_factory=dict)

    def dropping(self, drops: Mapping[int, Drop]) -> "Ledgers":
        """The same rows, of which these are dropped too."""
        return replace(self, drops={**self.drops, **drops}) if drops else self

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[tuple[int, pa.Table]]:
        """The number of the run, and some thousand of its rows; never rows of two runs."""
        first = 0
        for number, table in self._tables(columns):
            yield number, _dropping(table, self.drops, first) if self.drops else table
            first += len(table)

    def _tables(self, columns: Sequence[str] | None) -> Iterator[tuple[int, pa.Table]]:
        for number, parts in enumerate(self.parts):
            held: list[pa.Table] = []
            for table in _read(parts, columns):
                held.append(table)
                if sum(map(len, held)) >= _ROWS or sum(table.nbytes for table in held) >= _BYTES:
                    yield number, pa.concat_tables(held)
                    held = []
            if held:
                yield number, pa.concat_tables(held)

    def nbytes(self) -> int:
        """About the size of all rows in memory."""
        total = 0
        for path in (path for parts in self.parts for path in parts):
            with reading(path):
                metadata = pq.read_metadata(path)
            groups = (metadata.row_group(at) for at in range(metadata.num_row_groups))
            total += sum(group.total_byte_size for group in groups)
        return total

    def transformed(self, transform: Callable[[Row], Row], folder: Path) -> "Ledgers":
        """The same rows, each by `transform`, written into `folder`."""
        made: list[list[Path]] = [[] for _ in self.parts]
        for number, table in self.tables():
            rows = [transform(row) for row in table.to_pylist()]
            path = folder / f"{number}-{len(made[number]):06d}.parquet"
            pq.write_table(pa.Table.from_pylist(rows, LEDGER_SCHEMA), path, compression="lz4")
            made[number].append(path)
        return Ledgers(made)


def _dropping(table: pa.Table, drops: Mapping[int, Drop], first: int) -> pa.Table:
    """`table`, whose first row has the number `first`, with the rows of `drops` dropped."""
    found = [drops.get(first + at) for at in range(len(table))]
    if not any(found):
        return table
    which = pa.array(np.array([drop is not None for drop in found]))
    reasons, details = ([drop and drop[part] for drop in found] for part in (0, 1))
    values = {"status": "dropped", "reason": reasons, "detail": details}
    for name in values.keys() & set(table.column_names):
        value = values[name] if name == "status" else pa.array(values[name], pa.string())
        column = pc.if_else(which, value, table[name].combine_chunks())
        table = table.set_column(table.column_names.index(name), table.schema.field(name), column)
    return table


def _read(parts: Sequence[Path], columns: Sequence[str] | None) -> Iterator[pa.Table]:
    for path in parts:
        with reading(path), pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(LEDGER_SCHEMA):
                raise BadInput(f"{path}: its columns are not those of a ledger")
            for batch in file.iter_batches(batch_size=_ROWS, columns=columns):
                yield pa.Table.from_batches([batch])

"""The ledgers of one or several runs as one table that is read in pieces, run after run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builders.files.parquet import write_parquet
from builders.rows import Row
from builders.rows.read import read_tables, reading
from builders.rows.schema import LEDGER_ROWS

LEDGER_SCHEMA = LEDGER_ROWS.schema
# Small parts are put together and large ones are cut.
_ROWS = 4096
_BYTES = 32 * 2**20


class Redact(Protocol):
    """Takes out of rows what must not be published."""

    def __call__(self, row: Row) -> Row: ...

    def table(self, rows: pa.Table) -> pa.Table:
        """The same of all rows of a table."""


class Drop(NamedTuple):
    """Why a row that its run kept is dropped from the release."""

    reason: str
    detail: str


@dataclass(frozen=True)
class LedgerPart:
    """Rows of the run number `run`: its ledger's files, or people's corrections of its rows."""

    run: int
    name: str
    files: Sequence[Path] = ()
    corrections: pa.Table | None = None


@dataclass(frozen=True)
class MergedLedger:
    """The rows of all parts, one part after another.

    Rows are numbered over all parts. `drops` are rows that the release drops for another reason
    than their run, which may have kept them, by number.
    """

    parts: Sequence[LedgerPart]
    drops: Mapping[int, Drop] = field(default_factory=dict)

    def dropping(self, drops: Mapping[int, Drop]) -> "MergedLedger":
        """The same rows, with these dropped too."""
        return replace(self, drops={**self.drops, **drops}) if drops else self

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[tuple[int, pa.Table]]:
        """The number of a part and a few thousand of its rows; a table never mixes two parts."""
        first = 0
        for number, part in enumerate(self.parts):
            for table in _merged(_tables(part, columns)):
                yield number, _with_drops(table, self.drops, first) if self.drops else table
                first += len(table)

    def nbytes(self) -> int:
        """The approximate size of all rows in memory."""
        total = sum(part.corrections.nbytes for part in self.parts if part.corrections)
        for path in (path for part in self.parts for path in part.files):
            with reading(path):
                metadata = pq.read_metadata(path)
            groups = (metadata.row_group(at) for at in range(metadata.num_row_groups))
            total += sum(group.total_byte_size for group in groups)
        return total

    def redacted(self, redact: Redact | None, folder: Path) -> "MergedLedger":
        """The same rows as `redact` returns them, written into `folder`."""
        if redact is None:
            return self
        files: list[list[Path]] = [[] for _ in self.parts]
        for number, table in self.tables():
            path = folder / f"{number}-{len(files[number]):06d}.parquet"
            write_parquet(path, redact.table(table).cast(LEDGER_SCHEMA), compression="lz4")
            files[number].append(path)
        parts = zip(self.parts, files, strict=True)
        return MergedLedger([replace(part, files=written) for part, written in parts])


def _tables(part: LedgerPart, columns: Sequence[str] | None) -> Iterator[pa.Table]:
    for path in part.files:
        yield from read_tables(path, LEDGER_ROWS, columns, batch_rows=_ROWS)
    if part.corrections is not None:
        yield part.corrections if columns is None else part.corrections.select(columns)


def _merged(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of a few thousand, of at least some megabytes."""
    pending: list[pa.Table] = []
    for table in tables:
        pending.append(table)
        rows, nbytes = sum(map(len, pending)), sum(table.nbytes for table in pending)
        if rows >= _ROWS or nbytes >= _BYTES:
            yield pa.concat_tables(pending)
            pending = []
    if pending:
        yield pa.concat_tables(pending)


def _with_drops(table: pa.Table, drops: Mapping[int, Drop], first: int) -> pa.Table:
    """`table`, whose first row is number `first`, with the rows of `drops` dropped."""
    found = [drops.get(first + at) for at in range(len(table))]
    if not any(found):
        return table
    is_dropped = pa.array(np.array([drop is not None for drop in found]))
    values = {
        "status": "dropped",
        "reason": pa.array([drop and drop.reason for drop in found], pa.string()),
        "detail": pa.array([drop and drop.detail for drop in found], pa.string()),
    }
    for name in values.keys() & set(table.column_names):
        column = pc.if_else(is_dropped, values[name], table[name].combine_chunks())
        table = table.set_column(table.column_names.index(name), table.schema.field(name), column)
    return table

"""Whole rows by their number, read from the row group that has them."""

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builders.errors import reason_of
from builders.files.parquet import open_parquet
from builders.rows import Row
from builders.rows.older import stored_columns, upgraded
from builders.rows.schema import LEDGER_ROWS, SCHEMA_VERSION
from builders.view.files import LedgerFile

# Row groups in memory: those of the rows that a list shows, in whatever order.
_CACHED_BYTES = 64 * 2**20
# Of the large files of releases, each of some megabytes.
_CACHED_FOOTERS = 16


class RowReader:
    """The rows of `files` by number. It may be called from several threads."""

    def __init__(self, files: Sequence[LedgerFile]) -> None:
        self._files = list(files)
        self._firsts = [0, *accumulate(file.rows for file in files)]
        self._groups: OrderedDict[tuple[int, int, tuple[str, ...]], pa.Table] = OrderedDict()
        self._bytes = 0
        self._footers: OrderedDict[Path, pq.FileMetaData] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, number: int, columns: Sequence[str] | None = None) -> Row:
        """A row's columns, or all of them; with the single key `unreadable` if it is damaged."""
        at = bisect_right(self._firsts, number) - 1
        file, place = self._files[at], number - self._firsts[at]
        ends = [0, *accumulate(file.groups)]
        group = bisect_right(ends, place) - 1
        names = tuple(LEDGER_ROWS.schema.names if columns is None else columns)
        try:
            table = self._group(at, group, names)
        except (pa.ArrowException, OSError) as error:
            return {"unreadable": f"{file.path.name}: {reason_of(error)}"}
        return table.slice(place - ends[group], 1).to_pylist()[0]

    def _footer(self, file: LedgerFile) -> pq.FileMetaData:
        """A file's footer, which takes longer to read than a row group."""
        with self._lock:
            footer = self._footers.pop(file.path, None)
        if footer is None:
            # Its sizes were checked when the files were listed.
            footer = pq.read_metadata(file.path)
        with self._lock:
            self._footers[file.path] = footer
            while len(self._footers) > _CACHED_FOOTERS:
                self._footers.popitem(last=False)
        return footer

    def _group(self, at: int, group: int, names: tuple[str, ...]) -> pa.Table:
        key = (at, group, names)
        with self._lock:
            if key in self._groups:
                self._groups.move_to_end(key)
                return self._groups[key]
        file = self._files[at]
        stored = stored_columns(LEDGER_ROWS, file.version, names)
        with open_parquet(file.path, self._footer(file)) as parquet:
            table = parquet.read_row_group(group, columns=stored, use_threads=False)
        if file.version == SCHEMA_VERSION:
            table = table.select(names)
        else:
            table = upgraded(table, LEDGER_ROWS, names)
        with self._lock:
            self._groups[key] = table
            self._bytes += table.nbytes
            while self._bytes > _CACHED_BYTES and len(self._groups) > 1:
                _, dropped = self._groups.popitem(last=False)
                self._bytes -= dropped.nbytes
        return table

"""The ledger rows in the order of the release, sorted on disk; memory holds one bucket.

A rank is the place of a row's id among all ids. Each row is first written into the bucket of its
rank: with ranks 0 to 5 and two buckets, the first takes 0, 1 and 2. Then each bucket is read and
sorted by rank, the kept row of an id first:

    number   0     1        2     3       a row's place in the ledger
    rank     1     0        1     0
    status   kept  dropped  ...   kept
    order    3, 1, 0, 2
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builders.ledger.merged import MergedLedger
from builders.ledger.models import with_public_names

T = TypeVar("T")

# The number of a row in the ledger, beside the ledger's columns.
NUMBER = "number"
_BUCKET_BYTES = 64 * 2**20
# Each is an open file.
_MAX_BUCKETS = 400
_END = object()


@dataclass(frozen=True)
class Ordered:
    """Ledger rows on disk, each in the bucket of its rank. `ranks[i]` is that of row number i."""

    buckets: Sequence[Path]
    ranks: np.ndarray

    def tables(self, *, keep: bool = False) -> Iterator[pa.Table]:
        """The rows by rank, and within a rank kept rows first, then by content.

        The column NUMBER has each row's number. Tables are read and sorted ahead of their use, in a
        thread that ends when the iterator is closed. Without `keep`, buckets are deleted when they
        have been read.
        """
        with closing(prefetch(self._sorted(keep))) as ready:
            yield from ready

    def _sorted(self, keep: bool) -> Iterator[pa.Table]:
        for path in self.buckets:
            if path.exists():
                with pa.OSFile(str(path)) as file:
                    rows = pa.ipc.open_stream(file).read_all()
                if not keep:
                    path.unlink()
                yield _sorted(rows, self.ranks)


def ordered(ledger: MergedLedger, ranks: np.ndarray, folder: Path) -> Ordered:
    """The rows of a ledger with public names, in buckets in `folder`: as much as all of them."""
    count = min(_MAX_BUCKETS, ledger.nbytes() // _BUCKET_BYTES + 1)
    buckets = [folder / f"bucket-{number:03d}.arrow" for number in range(count)]
    with closing(prefetch(with_public_names(table) for _, table in ledger.tables())) as ready:
        _partition(ready, ranks, buckets)
    return Ordered(buckets, ranks)


def _partition(tables: Iterable[pa.Table], ranks: np.ndarray, buckets: list[Path]) -> None:
    """Write each row into the bucket of its rank: equal shares of all ranks, in their order."""
    top = int(ranks.max(initial=0)) + 1
    writers: dict[int, pa.ipc.RecordBatchStreamWriter] = {}
    first = 0
    with ExitStack() as stack:
        for table in tables:
            numbers = np.arange(first, first := first + len(table))
            table = table.append_column(NUMBER, pa.array(numbers))
            places = ranks[numbers].astype(np.int64) * len(buckets) // top
            order = np.argsort(places, kind="stable")
            table, places = table.take(order), places[order]
            bounds = np.flatnonzero(np.diff(places, prepend=-1, append=-1))
            for start, end in pairwise(bounds):
                place = places[start]
                if place not in writers:
                    file = stack.enter_context(pa.OSFile(str(buckets[place]), "wb"))
                    writer = pa.ipc.new_stream(file, table.schema)
                    writers[place] = stack.enter_context(writer)
                writers[place].write_table(table.slice(start, end - start))


def _sorted(rows: pa.Table, ranks: np.ndarray) -> pa.Table:
    numbers = rows[NUMBER].to_numpy()
    dropped = pc.not_equal(rows["status"], "kept").to_numpy()
    order = np.lexsort((numbers, dropped, ranks[numbers]))
    keys = 2 * ranks[numbers].astype(np.int64) + dropped
    return rows.take(_with_ties_by_content(rows, order, keys))


def _with_ties_by_content(rows: pa.Table, order: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """`order` with rows of equal key by content, so that the order of runs does not matter."""
    bounds = np.flatnonzero(np.diff(keys[order], prepend=-1, append=-1))
    columns = [name for name in rows.column_names if name != NUMBER]
    for start in np.flatnonzero(np.diff(bounds) > 1):
        equal = slice(bounds[start], bounds[start + 1])
        texts = [
            json.dumps(row, sort_keys=True)
            for row in rows.select(columns).take(order[equal]).to_pylist()
        ]
        order[equal] = order[equal][sorted(range(len(texts)), key=texts.__getitem__)]
    return order


def prefetch(items: Iterable[T], count: int = 1) -> Iterator[T]:
    """The same items in the same order, of which a thread makes up to `count` ahead of their use.

    It pays if making them releases Python's lock, as reading and converting columns does.
    """
    source = iter(items)
    with ThreadPoolExecutor(1, "prefetch") as pool:
        pending = deque(pool.submit(next, source, _END) for _ in range(count))
        while (item := pending.popleft().result()) is not _END:
            pending.append(pool.submit(next, source, _END))
            yield item

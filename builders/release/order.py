"""The ledger rows in the order of the release, sorted on disk: memory holds one bucket."""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Number of a row, counted over all runs, beside the columns of the ledger.
NUMBER = "number"
_BUCKET_BYTES = 64 * 2**20
# Each is an open file.
_MAX_BUCKETS = 400


def in_order(
    tables: Iterable[pa.Table], ranks: np.ndarray, nbytes: int, folder: Path
) -> Iterator[pa.Table]:
    """The rows of `tables` by their rank, kept ones first and then by content within a rank.

    Row number i, counted over all tables, has `ranks[i]`; the column `number` has i. `nbytes` is
    about their size in memory; `folder` takes as much for a while.
    """
    count = min(_MAX_BUCKETS, nbytes // _BUCKET_BYTES + 1)
    buckets = [folder / f"bucket-{number:03d}.arrow" for number in range(count)]
    _partition(tables, ranks, buckets)
    for path in buckets:
        if path.exists():
            with pa.OSFile(str(path)) as file:
                rows = pa.ipc.open_stream(file).read_all()
            path.unlink()
            yield _sorted(rows, ranks)


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
    return rows.take(_settled(rows, order, 2 * ranks[numbers].astype(np.int64) + dropped))


def _settled(rows: pa.Table, order: np.ndarray, keys: np.ndarray) -> np.ndarray:
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

"""Ledger rows in the order of the release to the parquet files of every config and split."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from builders.ahead import ahead, workers_of
from builders.errors import GateRefused
from builders.ledger.funnel import Funnel
from builders.ledger.merged import LEDGER_SCHEMA
from builders.progress import Progress
from builders.release.configs import Batch, Config
from builders.release.order import NUMBER, Ordered
from builders.release.parquet import SplitWriter, WrittenSplit
from builders.release.splits import SPLITS
from builders.rows import InvalidRow

# What was written, by config and split. A split without rows has no entry, nor has a config
# without splits.
Written = Mapping[str, Mapping[str, WrittenSplit]]

_BATCH_ROWS = 1024
_THREADS = 4
# So many batches are made into tables while the batch before them is compressed.
_BATCHES_AHEAD = 2


def write_configs(
    tables: Iterable[pa.Table],
    in_test: np.ndarray,
    configs: Sequence[Config],
    folder: Path,
    progress: Progress | None = None,
    *,
    recipe_criteria: Iterable[str] = (),
) -> tuple[Written, Funnel]:
    """Write each config into its own folder; what was written, and the counts of all rows.

    `tables` are ledger rows with a column NUMBER, read once; `in_test` (bool) says of each number
    whether its row is in the test split. GateRefused if a row is not valid.
    """
    writers = {
        (config.name, split): SplitWriter(folder / config.name, split, config.features)
        for config in configs
        for split in SPLITS
    }
    funnel = Funnel(recipe_criteria=frozenset(recipe_criteria))
    with ExitStack() as stack:
        for writer in writers.values():
            stack.callback(writer.abandon)
        # Ends before the writers are abandoned: no thread may go on once a writer has failed.
        pool = stack.enter_context(ThreadPoolExecutor(_THREADS, "parquet"))
        batches = _batches(tables, in_test, funnel, progress)
        writing: list[Future[None]] = []
        for split, made in _tables_ahead(pool, configs, batches):
            _wait(writing)
            writing = [
                pool.submit(writers[name, split].write, table) for name, table in made.items()
            ]
        _wait(writing)
        written = dict(zip(writers, pool.map(SplitWriter.close, writers.values()), strict=True))
    by_config = {
        config.name: {
            split: written[config.name, split]
            for split in SPLITS
            if written[config.name, split].rows
        }
        for config in configs
    }
    return {name: splits for name, splits in by_config.items() if splits}, funnel


def write_in_pool(
    pool: Executor,
    rows: Ordered,
    in_test: np.ndarray,
    configs: Sequence[Config],
    folder: Path,
    progress: Progress | None = None,
    *,
    recipe_criteria: Iterable[str] = (),
) -> tuple[Written, Funnel]:
    """`write_configs`, with the configs shared among the workers of `pool`.

    The files are the same. Workers see the folders of `rows` and `folder` under the same paths.
    """
    workers = min(workers_of(pool), len(configs))
    shares = [configs[first::workers] for first in range(workers)]
    write = partial(_write_share, rows, in_test, folder, frozenset(recipe_criteria))
    results = list(ahead(pool, write, shares))
    # Each worker has read, and counted, all rows.
    funnel = results[0][1]
    if progress:
        progress("writing", funnel.rows)
    written = {name: splits for more, _ in results for name, splits in more.items()}
    return {one.name: written[one.name] for one in configs if one.name in written}, funnel


def _write_share(
    rows: Ordered,
    in_test: np.ndarray,
    folder: Path,
    recipe_criteria: frozenset[str],
    configs: Sequence[Config],
) -> tuple[Written, Funnel]:
    with closing(rows.tables(keep=True)) as tables:
        return write_configs(tables, in_test, configs, folder, recipe_criteria=recipe_criteria)


def _batches(
    tables: Iterable[pa.Table],
    in_test: np.ndarray,
    funnel: Funnel,
    progress: Progress | None,
) -> Iterator[tuple[str, pa.Table]]:
    """The rows in the same order, counted and cut: a split, and rows that are all in it."""
    done = 0
    for table in tables:
        tests = in_test[table[NUMBER].to_numpy()]
        rows = table.drop_columns(NUMBER).cast(LEDGER_SCHEMA)
        for split in SPLITS:
            chosen = rows.filter(pa.array(tests == (split == "test")))
            for start in range(0, len(chosen), _BATCH_ROWS):
                batch = chosen.slice(start, _BATCH_ROWS)
                funnel.add_table(batch)
                yield split, batch
                done += len(batch)
                if progress:
                    progress("writing", done)


def _tables_ahead(
    pool: ThreadPoolExecutor, configs: Sequence[Config], batches: Iterable[tuple[str, pa.Table]]
) -> Iterator[tuple[str, dict[str, pa.Table]]]:
    """Each batch's split and table by config, in order, with the next ones already being made."""
    pending: deque[tuple[str, Future[dict[str, pa.Table]]]] = deque()
    for split, rows in batches:
        pending.append((split, pool.submit(_tables, configs, rows)))
        if len(pending) > _BATCHES_AHEAD:
            first, tables = pending.popleft()
            yield first, tables.result()
    for split, tables in pending:
        yield split, tables.result()


def _tables(configs: Sequence[Config], rows: pa.Table) -> dict[str, pa.Table]:
    batch = Batch(rows)
    try:
        return {config.name: config.table(batch) for config in configs}
    except InvalidRow as error:
        raise GateRefused(str(error)) from error


def _wait(writing: Iterable[Future[None]]) -> None:
    for future in writing:
        future.result()

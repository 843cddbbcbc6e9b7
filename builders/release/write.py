"""Ledger rows to the parquet files of every config and split."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa

from builders.errors import GateRefused
from builders.release.configs import Batch, Config
from builders.release.parquet import SplitWriter, WrittenSplit
from builders.release.splits import SPLITS
from builders.schema import InvalidRow

BATCH_ROWS = 1024
_THREADS = 4
# So many batches are being made into tables while the one before them is compressed.
_AHEAD = 2


def write_configs(
    batches: Iterable[tuple[str, pa.Table]], configs: Sequence[Config], folder: Path
) -> dict[str, dict[str, WrittenSplit]]:
    """Write each config into its own folder; what was written, by config and split.

    `batches` are a split and some of its ledger rows, read once. A split without rows gets no
    file and no entry, nor does a config without splits.
    """
    writers = {
        (config.name, split): SplitWriter(folder / config.name, split, config.features)
        for config in configs
        for split in SPLITS
    }
    with ExitStack() as stack:
        for writer in writers.values():
            stack.callback(writer.abandon)
        # Nothing else of the process may go on once a writer has failed.
        pool = stack.enter_context(ThreadPoolExecutor(_THREADS, "parquet"))
        writing: list[Future[None]] = []
        for split, tables in _ahead(pool, configs, batches):
            _wait(writing)
            writing = [
                pool.submit(writers[name, split].write, table) for name, table in tables.items()
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
    return {name: splits for name, splits in by_config.items() if splits}


def _ahead(
    pool: ThreadPoolExecutor, configs: Sequence[Config], batches: Iterable[tuple[str, pa.Table]]
) -> Iterator[tuple[str, dict[str, pa.Table]]]:
    """The tables of each batch, in order; those of the next ones are being made."""
    making: deque[tuple[str, Future[dict[str, pa.Table]]]] = deque()
    for split, rows in batches:
        making.append((split, pool.submit(_tables, configs, rows)))
        if len(making) > _AHEAD:
            first, made = making.popleft()
            yield first, made.result()
    for split, made in making:
        yield split, made.result()


def _tables(configs: Sequence[Config], rows: pa.Table) -> dict[str, pa.Table]:
    batch = Batch(rows)
    try:
        return {config.name: config.table(batch) for config in configs}
    except InvalidRow as error:
        raise GateRefused(str(error)) from error


def _wait(writing: Iterable[Future[None]]) -> None:
    for future in writing:
        future.result()

"""The parquet files of a release by config and split, and their rows as a stream."""

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from builders.files.parquet import open_parquet

_NAME = re.compile(r"(?P<split>\w+)-\d{5}-of-\d{5}\.parquet")
# As many as are in a row group that this project writes.
_BATCH_ROWS = 1000

# What pyarrow raises on a file that is damaged or not parquet.
UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)


def parquet_files(folder: Path) -> list[tuple[str, str, Path]]:
    """(config, split, path) of each `{config}/{split}-0000i-of-0000n.parquet`, in order."""
    paths = sorted(folder.glob("*/*.parquet"))
    named = ((path, _NAME.fullmatch(path.name)) for path in paths)
    return [(path.parent.name, match["split"], path) for path, match in named if match]


def iter_parquet(path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a file, up to a thousand at a time; raises one of `UNREADABLE`."""
    with open_parquet(path) as file:
        # Several files are read at once, each in one thread.
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
            # This finds texts that are not UTF-8, too.
            batch.validate(full=True)
            yield batch

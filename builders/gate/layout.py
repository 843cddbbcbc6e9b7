"""A release's parquet files, by config and split, and their rows as a stream."""

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_NAME = re.compile(r"(?P<split>\w+)-\d{5}-of-\d{5}\.parquet")
_BATCH_ROWS = 256

# What pyarrow raises on a file that is damaged or is no parquet.
UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)


def parquet_files(folder: Path) -> list[tuple[str, str, Path]]:
    """(config, split, path) of each `{config}/{split}-0000i-of-0000n.parquet`, in order."""
    paths = sorted(folder.glob("*/*.parquet"))
    named = ((path, _NAME.fullmatch(path.name)) for path in paths)
    return [(path.parent.name, match["split"], path) for path, match in named if match]


def iter_parquet(path: Path) -> Iterator[pa.RecordBatch]:
    """The file's rows, a few hundred in memory at a time; raises one of `UNREADABLE`."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            # Also of texts: what is no UTF-8 is found here.
            batch.validate(full=True)
            yield batch

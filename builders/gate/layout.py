"""A release's parquet files, by config and split, and their rows as a stream."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_NAME = re.compile(r"(?P<split>\w+)-\d{5}-of-\d{5}\.parquet")
_BATCH_ROWS = 256

# What pyarrow raises on a file that is damaged or is no parquet.
UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)


def parquet_files(folder: Path) -> dict[str, dict[str, list[Path]]]:
    """`{config}/{split}-0000i-of-0000n.parquet`, each split's files in order."""
    found: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.glob("*/*.parquet")):
        if match := _NAME.fullmatch(path.name):
            found[path.parent.name][match["split"]].append(path)
    return {config: dict(splits) for config, splits in found.items()}


def iter_parquet(path: Path) -> Iterator[dict[str, Any]]:
    """The file's rows, a few hundred in memory at a time; raises one of `UNREADABLE`."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            yield from batch.to_pylist()

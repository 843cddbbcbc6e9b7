"""The parquet files of a release by config and split, and their rows as a stream."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_NAME = re.compile(r"(?P<split>\w+)-\d{5}-of-\d{5}\.parquet")
# As many as are in a row group that this project writes.
_BATCH_ROWS = 1000
# Of a part: some tens of thousands of rows.
_PART_GROUPS = 64

# What pyarrow raises on a file that is damaged or not parquet.
UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)


def parquet_files(folder: Path) -> list[tuple[str, str, Path]]:
    """(config, split, path) of each `{config}/{split}-0000i-of-0000n.parquet`, in order."""
    paths = sorted(folder.glob("*/*.parquet"))
    named = ((path, _NAME.fullmatch(path.name)) for path in paths)
    return [(path.parent.name, match["split"], path) for path, match in named if match]


@dataclass(frozen=True)
class Part:
    """Some row groups of a file, which can be read apart from the others."""

    config: str
    split: str
    path: Path
    groups: range

    @property
    def is_first(self) -> bool:
        return self.groups.start == 0


def parts_of(files: Sequence[tuple[str, str, Path]]) -> Iterator[Part]:
    """The files in parts, in their order. One that cannot be read, or is empty, is one part."""
    for config, split, path in files:
        try:
            groups = pq.read_metadata(path).num_row_groups
        except UNREADABLE:
            groups = 0
        for start in range(0, max(1, groups), _PART_GROUPS):
            yield Part(config, split, path, range(start, min(groups, start + _PART_GROUPS)))


def iter_rows(file: pq.ParquetFile, groups: range) -> Iterator[pa.RecordBatch]:
    """The rows of some row groups, up to a thousand at a time; raises one of `UNREADABLE`."""
    # Several parts are read at once, each in one thread.
    for batch in file.iter_batches(_BATCH_ROWS, row_groups=list(groups), use_threads=False):
        # This finds texts that are not UTF-8, too.
        batch.validate(full=True)
        yield batch

"""The parquet files of a ledger: which can be read, with how many rows, and why others cannot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from builders.errors import reason_of
from builders.files.parquet import open_parquet
from builders.rows.older import version_of
from builders.rows.schema import LEDGER_ROWS


class Stamp(NamedTuple):
    """What changes if a file is replaced: the time in nanoseconds, the size in bytes, the inode."""

    modified: int
    size: int
    inode: int


@dataclass(frozen=True)
class LedgerFile:
    """`version` is the schema of its columns, `groups` the number of rows in each row group."""

    path: Path
    version: str
    groups: tuple[int, ...]
    stamp: Stamp

    @property
    def rows(self) -> int:
        return sum(self.groups)

    @property
    def split(self) -> str | None:
        """The split of a release that the file's name says, None in a run."""
        split = self.path.name.partition("-")[0]
        return split if split in ("train", "test") else None


@dataclass(frozen=True)
class Unreadable:
    """A file whose rows are left out, and why."""

    path: Path
    reason: str


def read_files(
    paths: Iterable[Path], known: Mapping[Path, LedgerFile] | None = None
) -> tuple[list[LedgerFile], list[Unreadable]]:
    """The files that can be read, by their metadata, and the others, each in the given order.

    `known` are those of an earlier call; what has not changed since is not read again. A file that
    is gone by now is in neither.
    """
    files: list[LedgerFile] = []
    unreadable: list[Unreadable] = []
    for path in paths:
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        stamp = Stamp(stat.st_mtime_ns, stat.st_size, stat.st_ino)
        before = (known or {}).get(path)
        if before is not None and before.stamp == stamp:
            files.append(before)
            continue
        try:
            with open_parquet(path) as file:
                version = version_of(file.schema_arrow, LEDGER_ROWS)
                metadata = file.metadata
                groups = tuple(
                    metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)
                )
        except (pa.ArrowException, OSError) as error:
            unreadable.append(Unreadable(path, f"not whole, or damaged ({reason_of(error)})"))
            continue
        if version is None:
            reason = "its columns are those of another schema version, or of another table"
            unreadable.append(Unreadable(path, reason))
            continue
        files.append(LedgerFile(path, version, groups, stamp))
    return files, unreadable

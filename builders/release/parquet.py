"""Rows to parquet files that the Hub's viewer reads quickly and that are cheap to upload again."""

import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features

from builders.files.parquet import CHECKSUMS

# The Hub's viewer shows 100 rows at a time and has to fetch the row groups that they are in.
MAX_GROUP_ROWS = 1000
MAX_GROUP_BYTES = 16 * 2**20
# A row group also ends after a row whose id decides so. Groups of a fixed length would all shift
# when a row is inserted, and so would their pages: with 100 rows inserted before 20,000, all bytes
# were new to an uploader that knows the chunks of the old file; in this way, 14% were.
MIN_GROUP_ROWS = 200
_GROUP_END_ODDS = 400
# Statistics repeat whole values in the footer, which readers load first and the writer keeps in
# memory until the end: worth it only for columns to filter by, not for long texts.
_FILTERED_BY = [
    "id",
    "source",
    "license",
    "status",
    "reason",
    "turn",
    "draft_score",
    "refinement_score",
    "critique.score",
]
WRITER_OPTIONS = {
    "compression": "zstd",
    "write_page_index": True,
    "write_statistics": _FILTERED_BY,
    # Splits pages by content, so that a changed row leaves the pages around it as they were.
    "use_content_defined_chunking": True,
    **CHECKSUMS,
}
# Files are downloaded and cached as a whole, and several load in parallel.
MAX_SHARD_BYTES = 200 * 10**6
# So many rows at a time are searched for the end of a row group that long texts may fill.
_PIECE_ROWS = 64


@dataclass(frozen=True)
class WrittenSplit:
    """`num_bytes` is the size in memory, as columns; cards have it under the same name."""

    rows: int
    num_bytes: int
    files: tuple[Path, ...]

    @property
    def file_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.files)


@dataclass
class SplitWriter:
    """Writes the rows of one split as `{split}-0000i-of-0000n.parquet`, one row group in memory.

    The files get these names in `close`, when n is known.
    """

    folder: Path
    split: str
    features: Features
    max_shard_bytes: int = MAX_SHARD_BYTES
    _schema: pa.Schema = field(init=False)
    _pieces: list[pa.Table] = field(default_factory=list)
    _group_rows: int = 0
    _group_bytes: int = 0
    _largest_group: int = 0
    _total_rows: int = 0
    _total_bytes: int = 0
    _shards: list[Path] = field(default_factory=list)
    _file: Any = None
    _writer: pq.ParquetWriter | None = None

    def __post_init__(self) -> None:
        # Without the entry of datasets' own: its "List" is unknown to versions before 4, which then
        # cannot read the file by itself. The columns alone say as much.
        self._schema = self.features.arrow_schema.remove_metadata()

    def write(self, table: pa.Table) -> None:
        ends = [
            zlib.crc32(row_id.encode()) % _GROUP_END_ODDS == 0 for row_id in table["id"].to_pylist()
        ]
        # Long texts can fill a group before its rows do.
        may_fill = self._group_bytes + 2 * table.nbytes >= MAX_GROUP_BYTES
        start, most = 0, _PIECE_ROWS if may_fill else MAX_GROUP_ROWS
        while start < len(table):
            rows, complete = self._next_piece(ends, start, most)
            piece = table.slice(start, rows)
            self._pieces.append(piece)
            self._group_rows += rows
            self._group_bytes += piece.nbytes
            if complete or self._group_bytes >= MAX_GROUP_BYTES:
                self._flush()
            start += rows

    def close(self) -> WrittenSplit:
        """Write the last row group and give the files their names; what was written."""
        if self._group_rows:
            self._flush()
        self._close_file()
        count = len(self._shards)
        files = []
        for index, shard in enumerate(self._shards):
            name = f"{self.split}-{index:05d}-of-{count:05d}.parquet"
            files.append(shard.rename(self.folder / name))
        return WrittenSplit(self._total_rows, self._total_bytes, tuple(files))

    def abandon(self) -> None:
        """Close the open file, even if its end cannot be written."""
        with suppress(OSError):
            self._close_file()

    def _close_file(self) -> None:
        if self._writer is not None:
            writer, file = self._writer, self._file
            self._writer = self._file = None
            with file:
                writer.close()

    def _next_piece(self, ends: list[bool], start: int, most: int) -> tuple[int, bool]:
        """How many rows from `start` on, at most `most`, go into the open group, and whether they
        complete it."""
        for row in range(start, min(start + most, len(ends))):
            rows = row + 1 - start
            total = self._group_rows + rows
            if total >= MAX_GROUP_ROWS or (total >= MIN_GROUP_ROWS and ends[row]):
                return rows, True
        return rows, False

    def _flush(self) -> None:
        # In one piece: a page ends where its content decides, and also where a piece ends.
        group = pa.concat_tables(self._pieces).combine_chunks()
        writer, start = self._open_shard()
        writer.write_table(group, row_group_size=group.num_rows)
        self._largest_group = max(self._largest_group, self._file.tell() - start)
        self._total_rows += group.num_rows
        self._total_bytes += group.nbytes
        self._pieces, self._group_rows, self._group_bytes = [], 0, 0

    def _open_shard(self) -> tuple[pq.ParquetWriter, int]:
        """The writer for the next row group, and the bytes already in its file."""
        if self._writer is not None:
            written = self._file.tell()
            if written + self._largest_group <= self.max_shard_bytes:
                return self._writer, written
            self._close_file()
        self.folder.mkdir(parents=True, exist_ok=True)
        shard = self.folder / f"{self.split}-{len(self._shards):05d}.parquet"
        self._shards.append(shard)
        self._file = shard.open("wb")
        self._writer = pq.ParquetWriter(
            self._file,
            self._schema,
            **WRITER_OPTIONS,
        )
        return self._writer, 0

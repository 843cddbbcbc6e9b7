"""Rows to parquet files that the Hub's viewer reads quickly and that re-upload cheaply."""

import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features

# The Hub's viewer shows 100 rows at a time and has to fetch the row groups that hold them.
MAX_GROUP_ROWS = 1000
MAX_GROUP_BYTES = 16 * 2**20
# A row group also ends after a row whose id says so. Groups of a fixed length would all shift
# when a row is inserted, and so would the pages in them: with 100 rows put before 20,000, 100 %
# of the bytes were new to an uploader that knows the old file's chunks, and 14 % in this way.
MIN_GROUP_ROWS = 200
_GROUP_END_ODDS = 400
# Statistics repeat whole values in the footer, which every reader loads first and the writer
# holds until the end: only columns that somebody filters by are worth it, and no long texts.
_FILTERED_BY = [
    "id",
    "source",
    "licence",
    "status",
    "reason",
    "turn",
    "draft_score",
    "response_score",
    "refinement_score",
    "critique.score",
]
WRITER_OPTIONS = {
    "compression": "zstd",
    "write_page_index": True,
    "write_statistics": _FILTERED_BY,
    # Cuts pages by content, so that a changed row leaves the pages around it alone.
    "use_content_defined_chunking": True,
}
# Files are downloaded and cached whole, and several load in parallel.
MAX_SHARD_BYTES = 200 * 10**6
# How many rows at a time are looked at for the end of a row group.
_PIECE_ROWS = 64


@dataclass(frozen=True)
class WrittenSplit:
    """`num_bytes` is the size in memory, as columns, which cards call `num_bytes`."""

    rows: int
    num_bytes: int
    files: tuple[Path, ...]

    @property
    def file_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.files)


@dataclass
class SplitWriter:
    """Writes the rows of one split as `{split}-0000i-of-0000n.parquet`, one row group in memory.

    The files carry these names after `close`, when n is known.
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
        self._schema = self.features.arrow_schema

    def write(self, table: pa.Table) -> None:
        ends = [
            zlib.crc32(row_id.encode()) % _GROUP_END_ODDS == 0 for row_id in table["id"].to_pylist()
        ]
        start = 0
        while start < len(table):
            rows, complete = self._next_piece(ends, start)
            piece = table.slice(start, rows)
            self._pieces.append(piece)
            self._group_rows += rows
            self._group_bytes += piece.nbytes
            if complete or self._group_bytes >= MAX_GROUP_BYTES:
                self._flush()
            start += rows

    def close(self) -> WrittenSplit:
        """Write what is held, give the files their names and say what was written."""
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
        """Close the open file, whatever is in it and whether or not its end can be written."""
        with suppress(OSError):
            self._close_file()

    def _close_file(self) -> None:
        if self._writer is not None:
            writer, file = self._writer, self._file
            self._writer = self._file = None
            with file:
                writer.close()

    def _next_piece(self, ends: list[bool], start: int) -> tuple[int, bool]:
        """How many rows from `start` on go into the open group, and whether they complete it."""
        for row in range(start, min(start + _PIECE_ROWS, len(ends))):
            rows = row + 1 - start
            held = self._group_rows + rows
            if held >= MAX_GROUP_ROWS or (held >= MIN_GROUP_ROWS and ends[row]):
                return rows, True
        return rows, False

    def _flush(self) -> None:
        # In one piece: pages end by content, and where a piece ends they would end too.
        group = pa.concat_tables(self._pieces).combine_chunks()
        writer, start = self._open_shard()
        writer.write_table(group, row_group_size=group.num_rows)
        self._largest_group = max(self._largest_group, self._file.tell() - start)
        self._total_rows += group.num_rows
        self._total_bytes += group.nbytes
        self._pieces, self._group_rows, self._group_bytes = [], 0, 0

    def _open_shard(self) -> tuple[pq.ParquetWriter, int]:
        """The writer that takes the next row group, and the bytes already in its file."""
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

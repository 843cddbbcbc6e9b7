"""Parquet files whose pages carry checksums: damage is an error, and never other rows.

A file may also be a stranger's, in which a few bytes stand for gigabytes: as one large page, or as
one long text that every row repeats. Reading takes bounded memory, and ends at a bound.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.files.atomic import atomic_file
from builders.files.expansion import PARQUET_FACTOR, Expansion

CHECKSUMS = {"write_page_checksum": True}
# What a row counts for beside its values, as one in Python takes so much; its file may have none.
_ROW_BYTES = 256
# A batch has no more, however its texts are repeated. A dictionary of usual size, 1 MB, leaves it a
# thousand rows.
_BATCH_BYTES = 2**30
# The field after the last one, a 32-bit integer.
_NEXT_INTEGER = 0x15


class BoundedParquetFile(pq.ParquetFile):
    """A file whose batches together have at most 1,000 times its bytes; TooMuch beyond that."""

    def __init__(self, path: Path, footer: pq.FileMetaData | None = None) -> None:
        super().__init__(path, metadata=footer, page_checksum_verification=True)
        self._path = path
        try:
            if footer is None:
                self._check_sizes()
        except BaseException:
            self.close()
            raise

    def iter_batches(self, batch_size: int = 65536, **options: Any) -> Iterator[pa.RecordBatch]:
        """As `ParquetFile.iter_batches`, with fewer rows in a batch where they may be large."""
        expansion = Expansion(self._path, PARQUET_FACTOR)
        largest = min(expansion.limit, _BATCH_BYTES)
        repeated = self._repeated_bytes(options.get("row_groups"))
        rows = max(1, min(batch_size, largest // max(1, repeated)))
        for batch in super().iter_batches(rows, **options):
            expansion.add(batch.nbytes + _ROW_BYTES * batch.num_rows)
            yield batch

    def _check_sizes(self) -> None:
        expansion = Expansion(self._path, PARQUET_FACTOR)
        for _, column in self._columns():
            expansion.add(max(0, column.total_uncompressed_size))

    def _repeated_bytes(self, groups: Sequence[int] | None) -> int:
        """At most as many bytes as a row can have of texts that are in these row groups once.

        For lists, as many as a row has on average.
        """
        longest = 0
        with self._path.open("rb") as file:
            for rows, column in self._columns(groups):
                if column.has_dictionary_page:
                    file.seek(column.dictionary_page_offset)
                    values = max(1, column.num_values // max(1, rows))
                    longest = max(longest, values * _unpacked_bytes(file.read(32)))
        return longest

    def _columns(
        self, groups: Sequence[int] | None = None
    ) -> Iterator[tuple[int, pq.ColumnChunkMetaData]]:
        """Each column of these row groups, or of all, with the group's number of rows."""
        for group in range(self.metadata.num_row_groups) if groups is None else groups:
            of_group = self.metadata.row_group(group)
            for column in range(of_group.num_columns):
                yield of_group.num_rows, of_group.column(column)


def _unpacked_bytes(header: bytes) -> int:
    """The size of a page from its header: its second field, in Thrift's compact protocol.

    >>> _unpacked_bytes(bytes([0x15, 4, 0x15, 0x80, 0x01, 0x15, 40]))
    64
    """
    numbers, at = [], 0
    while len(numbers) < 2 and at < len(header) and header[at] == _NEXT_INTEGER:
        at, number, shift = at + 1, 0, 0
        while at < len(header):
            number |= (header[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if header[at - 1] < 0x80:
                break
        numbers.append(number >> 1)
    # Another header than parquet has is refused where the page is read.
    return numbers[1] if len(numbers) == 2 else 0


def open_parquet(path: Path, footer: pq.FileMetaData | None = None) -> BoundedParquetFile:
    """A file to read, with its `footer` if it was opened before.

    Reading raises OSError where a page is not what was written. Pages without checksums, as other
    writers leave them, are read as they are. TooMuch, which is an OSError, where the file unpacks
    to 1,000 times its size.
    """
    return BoundedParquetFile(path, footer)


def write_parquet(path: Path, table: pa.Table, **options: Any) -> None:
    """Write the rows of `table` atomically, with `options` of `pyarrow.parquet.write_table`."""
    with atomic_file(path) as temporary:
        pq.write_table(table, temporary, **{"compression": "zstd", **CHECKSUMS, **options})

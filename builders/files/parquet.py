"""Parquet files whose pages carry checksums: damage is an error, and never other rows."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.files.atomic import atomic_file

CHECKSUMS = {"write_page_checksum": True}


def open_parquet(path: Path) -> pq.ParquetFile:
    """A file to read. Reading raises OSError where a page is not what was written.

    Pages without checksums, as other writers leave them, are read as they are.
    """
    return pq.ParquetFile(path, page_checksum_verification=True)


def write_parquet(path: Path, table: pa.Table, **options: Any) -> None:
    """Write the rows of `table` atomically, with `options` of `pyarrow.parquet.write_table`."""
    with atomic_file(path) as temporary:
        pq.write_table(table, temporary, **{"compression": "zstd", **CHECKSUMS, **options})

"""Rows read from parquet files, whichever schema version wrote them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from builders.errors import BadInput
from builders.files.parquet import open_parquet
from builders.rows import Row
from builders.rows.older import stored_columns, upgraded, version_of
from builders.rows.row_type import RowType
from builders.rows.schema import SCHEMA_VERSION

_BATCH_ROWS = 4096


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn a parquet error into a BadInput that names the file."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{path}: not parquet ({str(error).splitlines()[0]})") from None


def read_tables(
    path: Path,
    rows: RowType,
    columns: Sequence[str] | None = None,
    *,
    batch_rows: int = _BATCH_ROWS,
) -> Iterator[pa.Table]:
    """The rows of a file, up to `batch_rows` at a time, with these columns or all, in their order.

    BadInput where the file is missing or damaged, or its columns are not those of `rows`.
    """
    columns = rows.schema.names if columns is None else list(columns)
    with reading(path), open_parquet(path) as file:
        version = version_of(file.schema_arrow, rows)
        if version is None:
            raise BadInput(f"{path}: its columns are not those of {rows.name} rows")
        stored = stored_columns(rows, version, columns)
        for batch in file.iter_batches(batch_rows, columns=stored):
            table = pa.Table.from_batches([batch])
            if version == SCHEMA_VERSION:
                yield table.select(columns)
            else:
                yield upgraded(table, rows, columns)


def read_rows(
    path: Path, rows: RowType, columns: Sequence[str] | None = None, *, batch_rows: int = 512
) -> Iterator[Row]:
    """The rows of a file one by one, as `read_tables` has them."""
    for table in read_tables(path, rows, columns, batch_rows=batch_rows):
        yield from table.to_pylist()

"""Rows of a table file, one at a time, each with the place it stands at."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from builders.errors import BadInput
from builders.files.formats.arrow_rows import (
    is_saved_dataset,
    read_arrow,
    read_parquet,
    read_saved_dataset,
)
from builders.files.formats.csv_rows import read_csv
from builders.files.formats.json_rows import read_json
from builders.files.formats.row import TableRow
from builders.files.formats.text import OPENERS

_TEXTS: dict[str, Callable[[Path], Iterator[TableRow]]] = {
    ".jsonl": read_json,
    ".ndjson": read_json,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_csv,
}
_READERS = {
    **_TEXTS,
    **{f"{text}{packed}": read for text, read in _TEXTS.items() for packed in OPENERS},
    ".parquet": read_parquet,
    ".arrow": read_arrow,
}
# The endings of the files that are read.
ENDINGS = tuple(_READERS)


def read_rows(path: Path) -> Iterator[TableRow]:
    """The rows of a file of JSON, CSV, parquet or Arrow, or of a folder from `save_to_disk`.

    A row that cannot be read has its fault; BadInput where the whole file is missing, of another
    kind, or damaged. Only JSON that is one document is not read as a stream.
    """
    if path.is_dir() and is_saved_dataset(path):
        return read_saved_dataset(path)
    if path.is_dir():
        raise BadInput(f"{path}: a folder that save_to_disk did not write; name a file in it")
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    name = path.name.lower()
    for ending, reader in _READERS.items():
        if name.endswith(ending):
            return reader(path)
    raise BadInput(
        f"{path}: not one of {', '.join(_TEXTS)} ({', '.join(OPENERS)} may follow), "
        ".parquet, .arrow"
    )


def read_table(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (place, row) for each row of a file, as `read_rows`; BadInput at a fault."""
    for row in read_rows(path):
        if row.fault:
            raise BadInput(f"{row.place}: {row.fault}")
        yield row.place, dict(row.values)

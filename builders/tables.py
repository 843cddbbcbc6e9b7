"""Rows of a table file, one at a time, each with the place it stands at."""

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.errors import BadInput

Row = dict[str, Any]

# A field of a CSV may hold a whole document; the module's own limit is 128 kB.
csv.field_size_limit(64 * 1024 * 1024)


def read_table(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield (place, row) for each row of a JSONL, JSON, CSV or parquet file, or `.jsonl.gz`.

    `place` is "file:line" or "file:row". BadInput where the file is missing, of another kind,
    not UTF-8 or not what its name says. All but JSON are read as a stream.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    suffixes = path.name.lower()
    for ending, reader in _READERS.items():
        if suffixes.endswith(ending):
            return reader(path)
    raise BadInput(f"{path}: not one of {', '.join(_READERS)}")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    opener = gzip.open if path.name.lower().endswith(".gz") else Path.open
    try:
        with opener(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    # A byte order mark is what Excel and Notepad put first.
                    yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise BadInput(f"{path}:{number}: not UTF-8 ({error.reason})") from None
    except (OSError, EOFError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from None


def _read_jsonl(path: Path) -> Iterator[tuple[str, Row]]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        yield place, _require_object(_parse_json(line, place), place)


def _read_json(path: Path) -> Iterator[tuple[str, Row]]:
    text = "".join(line for _, line in _lines(path))
    rows = _parse_json(text, str(path))
    if not isinstance(rows, list):
        raise BadInput(f"{path}: not a list of rows")
    for index, row in enumerate(rows, start=1):
        place = f"{path}: row {index}"
        yield place, _require_object(row, place)


def _parse_json(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{place}: not JSON ({error})") from None


def _require_object(row: Any, place: str) -> Row:
    if not isinstance(row, dict):
        raise BadInput(f"{place}: a row has to be an object, not {type(row).__name__}")
    return row


def _read_csv(path: Path) -> Iterator[tuple[str, Row]]:
    reader = csv.DictReader(line for _, line in _lines(path))
    try:
        for row in reader:
            place = f"{path}:{reader.line_num}"
            if None in row or None in row.values():
                raise BadInput(f"{place}: not as many cells as the header has")
            yield place, row
    except csv.Error as error:
        raise BadInput(f"{path}:{reader.line_num}: not CSV ({error})") from None


def _read_parquet(path: Path) -> Iterator[tuple[str, Row]]:
    try:
        table = pq.ParquetFile(path)
        index = 0
        for batch in table.iter_batches(batch_size=512):
            for row in batch.to_pylist():
                index += 1
                yield f"{path}: row {index}", row
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{path}: not parquet ({str(error).splitlines()[0]})") from None


_READERS = {
    ".jsonl": _read_jsonl,
    ".jsonl.gz": _read_jsonl,
    ".json": _read_json,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}

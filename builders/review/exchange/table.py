"""A file of answers as rows: CSV with any separator, JSON lines, or Label Studio's JSON."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.errors import BadInput, reason_of
from builders.review.exchange import label_studio
from builders.review.exchange.answers import BadRow
from builders.review.exchange.cells import restored, restored_key
from builders.review.exchange.columns import ANNOTATOR, READ, RECORD, REQUIRED

_SEPARATORS = ",;\t"
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
# A workbook of Excel or LibreOffice is a zip file.
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class FileRow:
    """A row at `place`, such as "line 7"; with a `problem` if its values cannot be read."""

    place: str
    values: Mapping[str, Any]
    problem: str | None = None


def read_file(
    content: bytes, path: Path, *, has_annotator: bool, required: Sequence[str] = REQUIRED
) -> Iterator[FileRow]:
    """The rows of a file's `content`, by column; `path` is for messages.

    What it holds is seen from its first character, whatever it is called. `has_annotator`: the
    file has to say who answered; CSV has a column for each question of `required`. BadInput if it
    is not a table of answers.
    """
    text = _decoded(content, path)
    match text.lstrip()[:1]:
        case "":
            raise BadInput(f"{path}: the file is empty")
        case "{":
            return _json_lines(text)
        case "[":
            return _json_list(text, path)
        case _:
            needed = (RECORD, *((ANNOTATOR,) if has_annotator else ()), *required)
            return _csv(text, path, needed)


def _decoded(content: bytes, path: Path) -> str:
    if content.startswith(_ZIP):
        raise BadInput(f"{path}: a workbook or another zip file; save the table as CSV")
    # Excel saves "Unicode text" as UTF-16, and a byte order mark in front of UTF-8.
    encoding = "utf-16" if content.startswith(_BYTE_ORDER_MARKS) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{path}:{line}: not UTF-8 ({error.reason}); save it as UTF-8") from None


def _csv(text: str, path: Path, needed: Sequence[str]) -> Iterator[FileRow]:
    # A cell may hold a whole document; the module's own limit is 128 kB.
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    lines = list(io.StringIO(text, newline=""))
    separator, skipped = _separator(lines)
    reader = csv.reader(lines[skipped:], delimiter=separator, strict=True)
    line = skipped + 1
    try:
        header = [_column(name) for name in next(reader)]
        _check_header(header, path, needed)
        line = skipped + reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _csv_row(f"line {line}", header, cells)
            line = skipped + reader.line_num + 1
    except csv.Error as error:
        raise BadInput(f"{path}:{line}: not CSV ({error})") from None


def _separator(lines: Sequence[str]) -> tuple[str, int]:
    """The separator that finds the most columns, and how many lines come before the header."""
    first = lines[0].strip().lower()
    if first.startswith("sep=") and len(first) == 5 and len(lines) > 1:
        return first[4], 1
    blank = next(number for number, line in enumerate(lines) if line.strip())
    names = {
        separator: {_column(name) for name in lines[blank].split(separator)}
        for separator in _SEPARATORS
    }
    return max(names, key=lambda separator: len(names[separator] & {*READ})), blank


def _column(name: str) -> str:
    return "_".join(name.strip().strip('"').lower().replace("-", " ").replace("_", " ").split())


def _check_header(header: Sequence[str], path: Path, needed: Sequence[str]) -> None:
    if missing := [name for name in needed if name not in header]:
        hint = "; --annotator NAME says who answered" if missing == [ANNOTATOR] else ""
        raise BadInput(f"{path}: the first line has no column {', '.join(missing)}{hint}")
    if twice := [name for name in READ if header.count(name) > 1]:
        raise BadInput(f"{path}: the first line has two columns {', '.join(twice)}")


def _csv_row(place: str, header: Sequence[str], cells: Sequence[str]) -> FileRow:
    if any(cell.strip() for cell in cells[len(header) :]):
        problem = f"{len(cells)} cells, and the first line has {len(header)}"
        return FileRow(place, {}, problem)
    # A spreadsheet may leave out the last empty cells of a row.
    values = dict(zip(header, cells, strict=False))
    restoring = {RECORD: restored_key}
    return FileRow(
        place, {name: restoring.get(name, restored)(cell) for name, cell in values.items()}
    )


def _json_lines(text: str) -> Iterator[FileRow]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _json_row(f"line {number}", line)


def _json_row(place: str, line: str) -> FileRow:
    try:
        return _object(place, json.loads(line))
    except (ValueError, RecursionError) as error:
        return FileRow(place, {}, f"not JSON ({reason_of(error)})")


def _object(place: str, row: Any) -> FileRow:
    if not isinstance(row, dict):
        return FileRow(place, {}, f"{type(row).__name__}, not an object of columns")
    return FileRow(place, {_column(name): value for name, value in row.items()})


def _json_list(text: str, path: Path) -> Iterator[FileRow]:
    """A list of rows, or of Label Studio's tasks."""
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON ({reason_of(error)})") from None
    for number, row in enumerate(rows, start=1):
        if not label_studio.is_task(row):
            yield _object(f"row {number}", row)
            continue
        for count, annotation in enumerate(row["annotations"], start=1):
            place = f"task {number}, annotation {count}"
            try:
                yield FileRow(place, label_studio.row_of(row["data"], annotation))
            except BadRow as error:
                yield FileRow(place, {}, str(error))

"""The blind sample of a review as a file for people to fill in."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from filecmp import cmp
from pathlib import Path
from typing import Literal, TextIO

from builders.errors import BadInput
from builders.files.atomic import atomic_file
from builders.review.exchange.cells import protected, protected_key
from builders.review.exchange.columns import RECORD, exported_of
from builders.review.folder import Review
from builders.review.record import FIELDS, QUESTIONS, records
from builders.review.source import SHOWN, reviewed_source
from builders.rows import Row

Format = Literal["csv", "jsonl"]
FORMATS = ("csv", "jsonl")
# Excel and LibreOffice cut longer cells.
_LONGEST_CELL = 32_767


@dataclass(frozen=True)
class Exported:
    """How many records a file has, and how many of them are too long for a spreadsheet."""

    records: int
    too_long: int


def export_file(review: Review, path: Path, form: str) -> Exported:
    """Write the review's sample to a file; BadInput if another file is there, with answers maybe.

    CSV begins with a byte order mark, without which Excel takes UTF-8 for something else.
    """
    encoding = "utf-8-sig" if form == "csv" else "utf-8"
    with atomic_file(path) as temporary:
        with temporary.open("w", encoding=encoding, newline="") as file:
            exported = export(review, file, form)
        if path.exists() and not cmp(path, temporary, shallow=False):
            raise BadInput(f"{path} exists, and may have answers in it; choose another --out")
    return exported


def export(review: Review, file: TextIO, form: str) -> Exported:
    """Write a row for each record, calibration records first, in the columns of `exported_of`.

    An assisted review's rows have the model's verdict in some of them. Rows are
    streamed in the order of the source, which says nothing about the answers. BadInput for a
    format not in `FORMATS`, and if the source has changed since the rows were drawn.
    """
    if form not in FORMATS:
        raise BadInput(f"--format: {form!r} is not one of {', '.join(FORMATS)}")
    columns = exported_of(review)
    write = _csv_writer(file, columns) if form == "csv" else _json_writer(file)
    count = too_long = 0
    for row in _rows(review, columns):
        write(row)
        count += 1
        too_long += any(len(row.get(name, "")) > _LONGEST_CELL for name in FIELDS)
    return Exported(count, too_long)


def _rows(review: Review, columns: tuple[str, ...]) -> Iterator[Row]:
    source, drawn = reviewed_source(review), review.drawn()
    for is_calibration in (True, False):
        part = [row for row in drawn if row["calibration"] == is_calibration]
        if not part:
            continue
        rows = source.rows(review.facts.rows, SHOWN)
        for record in records(rows, part, assisted=review.facts.assisted):
            suggested = {f"suggested_{name}": record["suggestions"].get(name) for name in QUESTIONS}
            row = {RECORD: record["id"], **record["fields"], **suggested}
            yield {name: _text(row.get(name)) for name in columns}


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _csv_writer(file: TextIO, columns: tuple[str, ...]) -> Callable[[Row], object]:
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow(columns)

    def write(row: Row) -> None:
        cells = {name: protected(text) for name, text in row.items()}
        cells[RECORD] = protected_key(row[RECORD])
        writer.writerow(cells[name] for name in columns)

    return write


def _json_writer(file: TextIO) -> Callable[[Row], object]:
    return lambda row: file.write(json.dumps(row, ensure_ascii=False) + "\n")

"""A few rows of any parquet files as text: nothing is known of their columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.errors import BadInput, reason_of
from builders.files.parquet import open_parquet

_MOST_COLUMNS = 40
_LONGEST = 2000
# Rows that are read at once.
_BATCH = 50


@dataclass(frozen=True)
class TextTable:
    """The texts of some of `total` rows, in the order of `columns`."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    total: int


def text_table(paths: Sequence[Path], first: int, most: int) -> TextTable:
    """Up to `most` rows of the files together, from number `first` on.

    Of more than 40 columns, the first 40; of a longer text, the first 2,000 characters. BadInput if
    a file cannot be read, with the reason and without its name.
    """
    try:
        return _text_table(paths, first, most)
    except FileNotFoundError:
        raise BadInput("the rows cannot be read: a file is missing") from None
    except (OSError, pa.ArrowException, ValueError, OverflowError, RecursionError) as error:
        raise BadInput(f"the rows cannot be read: {reason_of(error)}") from None


def _text_table(paths: Sequence[Path], first: int, most: int) -> TextTable:
    columns: list[str] = []
    rows: list[list[str]] = []
    total = 0
    for path in paths:
        with open_parquet(path) as file:
            columns = columns or file.schema_arrow.names[:_MOST_COLUMNS]
            start = first + len(rows) - total
            if start < file.metadata.num_rows and len(rows) < most:
                rows += _rows(file, columns, start, most - len(rows))
            total += file.metadata.num_rows
    return TextTable(columns, rows, total)


def _rows(file: pq.ParquetFile, columns: Sequence[str], start: int, count: int) -> list[list[str]]:
    groups = range(file.metadata.num_row_groups)
    sizes = [file.metadata.row_group(group).num_rows for group in groups]
    ends = list(accumulate(sizes))
    chosen = [group for group in groups if ends[group] > start]
    skip = start - (ends[chosen[0]] - sizes[chosen[0]])
    rows: list[list[str]] = []
    for batch in file.iter_batches(_BATCH, row_groups=chosen, columns=columns):
        taken = batch.slice(skip, count - len(rows))
        skip = max(0, skip - batch.num_rows)
        rows += [[_text(row.get(name)) for name in columns] for row in taken.to_pylist()]
        if len(rows) == count:
            break
    return rows


def _text(value: Any) -> str:
    text = "\n".join(_lines(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def _lines(value: Any) -> Iterator[str]:
    """A value with what is in it below each other.

    >>> list(_lines([{"role": "user", "content": "Hi"}, {"scores": [1, None]}]))
    ['role: user', 'content: Hi', '', 'scores:', '  - 1', '  - ']
    """
    if isinstance(value, dict):
        for name, inner in value.items():
            if inner and isinstance(inner, dict | list):
                yield f"{name}:"
                yield from (f"  {line}" for line in _lines(inner))
            else:
                yield f"{name}: {_plain(inner)}"
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            if not isinstance(inner, dict | list):
                yield f"- {_plain(inner)}"
                continue
            if number:
                yield ""
            yield from _lines(inner)
    else:
        yield _plain(value)


def _plain(value: Any) -> str:
    return "" if value in (None, [], {}) else str(value)

"""Rows of CSV and its relatives: separated by commas, semicolons, tabs or bars."""

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from builders.errors import BadInput
from builders.files.formats.row import TableRow
from builders.files.formats.text import fault_of, lines_of

# A cell may hold a whole document; the module's own limit is 128 kB.
csv.field_size_limit(64 * 1024 * 1024)
_SEPARATORS = ",;\t|"
# A first line for Excel that names the separator.
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_QUOTED = re.compile('"[^"]*"')


def read_csv(path: Path) -> Iterator[TableRow]:
    """The rows of a file whose first line names the columns.

    Names are trimmed; BadInput if two are the same. A row with more or fewer cells has a fault.
    """
    lines = lines_of(path)
    first = next(lines, "")
    skipped = 0
    if named := _SEPARATOR_LINE.fullmatch(first):
        first, skipped = next(lines, ""), 1
    separator = named[1] if named else _separator(first)
    reader = csv.reader(itertools.chain([first], lines), delimiter=separator)
    start = skipped + 1
    try:
        header = _header(path, next(reader, []))
        start = reader.line_num + skipped + 1
        for cells in reader:
            # Blank lines have no cells.
            if cells:
                yield _row(path, start, header, cells)
            start = reader.line_num + skipped + 1
    except csv.Error as error:
        raise BadInput(f"{path}:{start}: not CSV ({error})") from None


def _separator(header: str) -> str:
    """The separator that is most often in the header outside quotes; the comma if none is."""
    bare = _QUOTED.sub("", header)
    return max(_SEPARATORS, key=bare.count)


def _header(path: Path, cells: Sequence[str]) -> list[str]:
    # An index without a name is what pandas writes first.
    names = [name.strip() or f"column {at}" for at, name in enumerate(cells, 1)]
    if fault := fault_of("".join(names)):
        raise BadInput(f"{path}:1: {fault}")
    if repeated := sorted(name for name, count in Counter(names).items() if count > 1):
        raise BadInput(f"{path}:1: the header has {repeated[0]!r} twice")
    return names


def _row(path: Path, number: int, header: list[str], cells: list[str]) -> TableRow:
    fault = None
    if len(cells) != len(header):
        fault = f"not as many cells as the header has ({len(cells)}, not {len(header)})"
    fault = fault or fault_of("".join(cells))
    values = {} if fault else dict(zip(header, cells, strict=True))
    return TableRow(path, number, values, fault)

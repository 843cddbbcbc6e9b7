"""Rows of JSON: one to a line, or all in a list, whatever the file's name says."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builders.errors import BadInput
from builders.files.formats.row import TableRow
from builders.files.formats.text import fault_of, lines_of

# Keys of an object that has the rows of a file.
_CONTAINERS = ("data", "rows", "examples", "records", "items", "train")


def read_json(path: Path) -> Iterator[TableRow]:
    """The rows of a file; line by line if its first line is an object, as a stream."""
    numbered = ((number, line) for number, line in enumerate(lines_of(path), 1) if line.strip())
    first = next(numbered, None)
    if first is None:
        return
    lines = itertools.chain([first], numbered)
    if _is_row(first[1]):
        parser = _Parser()
        for number, line in lines:
            yield _row(path, number, line, parser)
    else:
        yield from _document(path, "".join(line for _, line in lines))


def _is_row(line: str) -> bool:
    """Whether a file with this first line has a row on each line.

    A list, a container of rows, or an object on several lines is read as a whole.
    """
    line = line.strip()
    if line.startswith("[") or line == "{":
        return False
    try:
        value, _ = _Parser().value(line)
    except (ValueError, RecursionError):
        # A broken row. An object that goes on in the next line ends with one of these.
        return not (line.startswith("{") and line.endswith(("{", "[", ",", ":")))
    return _contained(value) is None


def _row(path: Path, number: int, line: str, parser: "_Parser") -> TableRow:
    if fault := fault_of(line):
        return TableRow(path, number, fault=fault)
    parser.repeated.clear()
    try:
        value, end = parser.value(line)
        if line[end:].strip():
            raise ValueError(f"more text after the row, from character {end + 1}")
    except (ValueError, RecursionError) as error:
        return TableRow(path, number, fault=f"not JSON ({error})")
    return _checked(path, number, "line", value, parser)


def _checked(path: Path, number: int, unit: str, value: Any, parser: "_Parser") -> TableRow:
    fault = None
    if parser.repeated:
        fault = f"the key {parser.repeated[0]!r} appears twice"
    elif not isinstance(value, dict):
        fault = f"a row has to be an object, not {type(value).__name__}"
    return TableRow(path, number, {} if fault else value, fault, unit)


def _document(path: Path, text: str) -> Iterator[TableRow]:
    """The rows of a list, of the list in a container, or of objects that follow each other."""
    parser = _Parser()
    at = _after_space(text, 0)
    in_list = text.startswith("[", at)
    at = at + 1 if in_list else at
    for number in itertools.count(1):
        at = _after_space(text, at)
        if at == len(text) or text.startswith("]", at):
            break
        parser.repeated.clear()
        try:
            value, end = parser.value(text, at)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{path}: row {number}: not JSON ({error})") from None
        if not in_list and number == 1 and (rows := _contained(value)) is not None:
            for place, row in enumerate(rows, 1):
                yield _checked(path, place, "row", row, parser)
        elif fault := fault_of(text[at:end]):
            yield TableRow(path, number, fault=fault, unit="row")
        else:
            yield _checked(path, number, "row", value, parser)
        at = _after_space(text, end)
        if in_list and not text.startswith(("]", ","), at):
            raise BadInput(f"{path}: after row {number}: not JSON (',' or ']' is missing)")
        at += in_list and text.startswith(",", at)
    if in_list and text[at:].strip() != "]":
        raise BadInput(f"{path}: not JSON (the list has no end, or text follows it)")


def _contained(value: Any) -> list[Any] | None:
    """The rows in an object such as {"version": "1", "data": [{…}, …]}, or None."""
    if not isinstance(value, dict):
        return None
    lists = (value[key] for key in _CONTAINERS if isinstance(value.get(key), list))
    return next((rows for rows in lists if rows and isinstance(rows[0], dict)), None)


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


class _Parser:
    """Reads JSON values, and collects keys that an object has twice."""

    def __init__(self) -> None:
        self.repeated: list[str] = []
        self._decoder = json.JSONDecoder(object_pairs_hook=self._object)

    def value(self, text: str, at: int = 0) -> tuple[Any, int]:
        """The value that begins at `at`, or after white space there, and where it ends."""
        return self._decoder.raw_decode(text, _after_space(text, at))

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            self.repeated += [key for key, count in counts.items() if count > 1]
        return values

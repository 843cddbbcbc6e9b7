"""One row of a file of answers, read as a response to a record."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from builders.review.exchange.columns import (
    ANNOTATOR,
    READ,
    RECORD,
    REQUIRED,
    STATUS,
    SUBMITTED_AT,
)
from builders.review.record import CHOICES, QUESTIONS
from builders.rows.schema import VERDICT_STATUSES, WEAKNESSES_REAL

# What a spreadsheet makes of yes and no.
_BOOLEANS = {"true": "yes", "false": "no"}
# A spreadsheet may write 10 as 10.0, or as 10,0 where the comma separates decimals.
_SCORE = re.compile(r"0*([1-9]|10)(?:[.,]0*)?", re.ASCII)
_LONGEST_NAME = 200
# Clocks differ a little, and a time without a zone may be of the zone farthest ahead.
_AHEAD = timedelta(days=1)


class BadRow(ValueError):
    """What is wrong with a row, as a sentence without a place."""


@dataclass(frozen=True)
class FileResponse:
    """A person's response to a record; `submitted_at` is None if the file does not say.

    `values` has the answers by question, in the form that a review server has them.
    """

    record: str
    annotator: str
    status: str
    values: Mapping[str, Any]
    submitted_at: datetime | None


def read_response(
    row: Mapping[str, Any], now: datetime, required: Sequence[str] = REQUIRED
) -> FileResponse | None:
    """The response in a row, by the names of `READ`; None if the row is not filled in.

    BadRow names everything that is wrong with it, such as a missing answer to one of the questions
    `required`. `now` has a zone; no response is from the future.
    """
    reading = _Reading.of(row)
    given = {name for name in QUESTIONS if reading.cells[name].strip()}
    if not (given or reading.problems or reading.cells[STATUS].strip()):
        return None
    response = FileResponse(
        record=reading.take(RECORD, _filled),
        annotator=reading.take(ANNOTATOR, _name),
        status=reading.take(STATUS, _status),
        values={name: reading.take(name, _ANSWERS.get(name, _text)) for name in QUESTIONS},
        submitted_at=reading.take(SUBMITTED_AT, lambda text: _time(text, now)),
    )
    if response.status == "submitted":
        missing = (name for name in required if name not in given)
        reading.problems.extend(f"{name}: missing" for name in missing)
    if reading.problems:
        raise BadRow("; ".join(reading.problems))
    return response


@dataclass(frozen=True)
class _Reading:
    """A row's cells as text, and the problems found in it so far."""

    cells: dict[str, str]
    problems: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "_Reading":
        reading = cls(dict.fromkeys(READ, ""))
        for name in READ:
            reading.cells[name] = reading.take(name, lambda _, name=name: _plain(row.get(name)))
        return reading

    def take(self, name: str, read: Callable[[str], Any]) -> Any:
        """A cell as `read` reads it; the empty cell, and a problem, if it cannot."""
        try:
            return read(self.cells[name])
        except BadRow as error:
            self.problems.append(f"{name}: {error}")
            return ""


def _plain(value: Any) -> str:
    """A cell of a table or a value of JSON as text; "" for null."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
    raise BadRow(f"is {type(value).__name__}, not text or a number")


def _filled(text: str) -> str:
    if not text.strip():
        raise BadRow("missing")
    return text.strip()


def _name(text: str) -> str:
    name = " ".join(_filled(text).split())
    if not name.isprintable() or len(name) > _LONGEST_NAME:
        raise BadRow(f"{_quoted(name)} cannot be a name")
    return name


def _status(text: str) -> str:
    return _choice(text, VERDICT_STATUSES) or "submitted"


def _choice(text: str, choices: Sequence[str]) -> str | None:
    """The choice that `text` is, in any case."""
    named = {choice.lower(): choice for choice in choices}
    name = text.strip().lower()
    if name and name not in named:
        raise BadRow(f"{_quoted(text)} is not one of {', '.join(choices)}")
    return named.get(name)


def _yes_or_no(text: str) -> str | None:
    return _choice(_BOOLEANS.get(text.strip().lower(), text), ("yes", "no"))


def _score(text: str) -> int | None:
    if not text.strip():
        return None
    score = _SCORE.fullmatch(text.strip())
    if score is None:
        raise BadRow(f"{_quoted(text)} is not a whole number from 1 to 10")
    return int(score[1])


def _text(text: str) -> str | None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadRow("has a lone surrogate, which no UTF-8 file can hold") from None
    # A spreadsheet saves its line ends.
    return text.replace("\r\n", "\n").replace("\r", "\n") if text.strip() else None


def _time(text: str, now: datetime) -> datetime | None:
    if not text.strip():
        return None
    try:
        time = datetime.fromisoformat(text.strip())
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRow(f"{_quoted(text)} is not a time like 2026-03-02T09:40:00Z") from None
    if time > now + _AHEAD:
        raise BadRow(f"{_quoted(text)} is in the future")
    return time


# The other questions ask for texts.
_ANSWERS: Mapping[str, Callable[[str], Any]] = {
    "better": partial(_choice, choices=CHOICES),
    "score_a": _score,
    "score_b": _score,
    "weaknesses_real": partial(_choice, choices=WEAKNESSES_REAL),
    "suggestions_actionable": _yes_or_no,
    "refinement_introduces_error": _yes_or_no,
}


def _quoted(text: str) -> str:
    """A cell as part of a message: on one line, and short."""
    return repr(text if len(text) <= 40 else f"{text[:40]}…")

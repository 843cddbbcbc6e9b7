"""The questions of the page's script, each answered from a view."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from builders.errors import BadInput
from builders.view.filters import read_filters
from builders.view.view import Superseded, View, Waiting

Query = Sequence[tuple[str, str]]
# Rows in one answer to `list`.
_MOST_LISTED = 500
_MOST_DIGITS = 15


@dataclass
class Asked:
    """A question with the rest of its address."""

    view: View
    question: Callable[["Asked"], Any]
    query: Query
    waiting: Waiting = field(default_factory=Waiting)

    def answer(self) -> Any:
        try:
            return self.question(self)
        except Superseded:
            # Nobody reads this.
            return {}

    def cancel(self) -> None:
        self.waiting.cancel()

    def take(self, name: str) -> str:
        """Take a value out of the query; BadInput if it is missing."""
        for key, value in self.query:
            if key == name:
                self.query = [item for item in self.query if item[0] != name]
                return value
        raise BadInput(f"{name} is missing")

    def number(self, name: str) -> int:
        text = self.take(name)
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
            raise BadInput(f"{name}: {text[:40]!r} is not a whole number")
        return int(text)

    def count(self, name: str) -> int:
        if (number := self.number(name)) < 0:
            raise BadInput(f"{name}: {number} is below zero")
        return number


def _summary(asked: Asked) -> Any:
    return asked.view.summary(read_filters(asked.query), asked.waiting)


def _list(asked: Asked) -> Any:
    offset, limit = asked.count("offset"), min(asked.count("limit"), _MOST_LISTED)
    return asked.view.listed(read_filters(asked.query), offset, limit, asked.waiting)


def _place(asked: Asked) -> Any:
    row_id = asked.take("id")
    return {"place": asked.view.place(read_filters(asked.query), row_id, asked.waiting)}


def _next(asked: Asked) -> Any:
    after = asked.number("after")
    if after < -1:
        raise BadInput(f"after: {after} is no place")
    return {"place": asked.view.next_dropped(read_filters(asked.query), after, asked.waiting)}


def _row(asked: Asked) -> Any:
    return asked.view.row(asked.count("n"))


QUESTIONS = {"summary": _summary, "list": _list, "place": _place, "next": _next, "row": _row}

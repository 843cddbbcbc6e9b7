"""Which rows are asked for and in which order, as parameterized SQL over the index.

The names of columns in the SQL are constants of this module; every value is a parameter.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from builders.errors import BadInput

# Columns of the index with a range each; lengths are in characters, `latency` in seconds.
RANGES = (
    "draft_score",
    "refinement_score",
    "critique_score",
    "margin",
    "instruction_length",
    "draft_length",
    "refinement_length",
    "tokens",
    "cost",
    "latency",
)
# Columns of the index of which some values are chosen, and the columns that each looks at.
CHOICES = {
    "status": ("status",),
    "reason": ("reason",),
    "source": ("source",),
    "split": ("split",),
    "model": ("draft_model", "critic_model", "scorer_model"),
    "script": ("script",),
    "verdict": ("verdict",),
    "change": ("change",),
}
SORTS = ("n", *RANGES)
# What a row of each number has reached.
STAGES = ("drawn", "drafted", "critiqued", "scored", "kept")
LONGEST_SEARCH = 1000
_MOST_SAMPLED = 1000
_MOST_CHOICES = 200

Range = tuple[float | None, float | None]


@dataclass(frozen=True)
class Filters:
    """`reached` is a place in STAGES; `sample` draws so many of the rows, the same ones each time.

    `text` is searched for in the texts of a row, in upper or lower case.
    """

    ranges: tuple[tuple[str, Range], ...] = ()
    choices: tuple[tuple[str, tuple[str, ...]], ...] = ()
    reached: int = 0
    text: str = ""
    sample: int | None = None
    sort: str = "n"
    descending: bool = False

    def where(self) -> "Sql":
        """The condition without the search for `text`."""
        sql = Sql()
        for name, (low, high) in self.ranges:
            if low is not None:
                sql.add(f"{name} >= ?", low)
            if high is not None:
                sql.add(f"{name} <= ?", high)
        for name, values in self.choices:
            columns, places = CHOICES[name], ", ".join("?" * len(values))
            sql.add(
                " OR ".join(f"coalesce({column}, '-') IN ({places})" for column in columns),
                *values * len(columns),
            )
        if self.reached:
            sql.add("reached >= ?", self.reached)
        return sql

    def order(self) -> "Sql":
        """ORDER BY and LIMIT; rows without the value that is sorted by come last."""
        direction = "DESC" if self.descending else "ASC"
        by = "n" if self.sort == "n" else f"{self.sort} {direction} NULLS LAST, n"
        if self.sort == "n" and self.descending:
            by = "n DESC"
        if self.sample is None:
            return Sql([f"ORDER BY {by}"])
        # A row's place in the draw depends on its id alone.
        return Sql([f"ORDER BY hash(id), {by} LIMIT ?"], [self.sample])


@dataclass
class Sql:
    """Pieces of SQL with a place for each parameter."""

    parts: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)

    def add(self, part: str, *parameters: Any) -> None:
        self.parts.append(f"({part})")
        self.parameters += parameters

    @property
    def condition(self) -> str:
        return " AND ".join(self.parts) or "true"


def read_filters(query: Iterable[tuple[str, str]]) -> Filters:
    """The filters that an address has after its `?`; BadInput if they mean nothing.

    A range is `2..5`, `2..`, `..5` or `2`; a choice may be repeated, and `-` stands for none.

    >>> read_filters([("reason", "margin"), ("draft_score", "2..5"), ("sort", "-margin")]).ranges
    (('draft_score', (2.0, 5.0)),)
    """
    ranges: dict[str, Range] = {}
    choices: dict[str, list[str]] = {}
    others: dict[str, Any] = {}
    for name, value in query:
        if name in RANGES:
            ranges[name] = _range(name, value)
        elif name in CHOICES:
            choices.setdefault(name, []).append(value)
            if len(choices[name]) > _MOST_CHOICES:
                raise BadInput(f"{name}: more than {_MOST_CHOICES} values")
        elif name == "reached":
            others["reached"] = STAGES.index(_one_of(name, value, STAGES))
        elif name == "q":
            if len(value) > LONGEST_SEARCH:
                raise BadInput(f"q: longer than {LONGEST_SEARCH} characters")
            others["text"] = value
        elif name == "sample":
            others["sample"] = _whole(name, value, 1, _MOST_SAMPLED)
        elif name == "sort":
            others["sort"] = _one_of(name, value.removeprefix("-"), SORTS)
            others["descending"] = value.startswith("-")
        else:
            raise BadInput(f"{name!r} is no filter")
    return Filters(
        tuple(ranges.items()),
        tuple((name, tuple(values)) for name, values in choices.items()),
        **others,
    )


def _one_of(name: str, value: str, known: Iterable[str]) -> str:
    if value not in known:
        raise BadInput(f"{name}: {value!r} is not one of {', '.join(known)}")
    return value


def _whole(name: str, value: str, least: int, most: int) -> int:
    # Not int() alone, which reads a million digits slowly and underscores too.
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise BadInput(f"{name}: {value[:40]!r} is not a whole number")
    if not least <= (number := int(value)) <= most:
        raise BadInput(f"{name}: {number} is not from {least} to {most}")
    return number


def _range(name: str, text: str) -> Range:
    low, dots, high = text.partition("..")
    bounds = (_number(name, low), _number(name, high) if dots else _number(name, low))
    if bounds == (None, None):
        raise BadInput(f"{name}: {text[:40]!r} is not a range; write 2..5, 2.., ..5 or 2")
    return bounds


def _number(name: str, text: str) -> float | None:
    if not text:
        return None
    try:
        number = float(text) if len(text) <= 40 else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadInput(f"{name}: {text[:40]!r} is not a number")
    return number

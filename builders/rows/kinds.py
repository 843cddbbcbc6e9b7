"""The kinds of values that columns have, each with its rule in two forms.

`check` looks at one value and raises `InvalidRow` where it is wrong. `holds` says of a whole arrow
column whether `check` would accept every value in it, as fast as arrow can. The values of an arrow
column have the right type and are valid UTF-8, so `holds` looks at nulls, blanks and ranges only.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from datasets import List, Value

from builders.rows import InvalidRow

# Longer lists of choices are not printed.
_FEW = 9
# Up to here a float has every whole number, and arrow takes it into a column of floats.
_EXACT = 2**53


@dataclass(frozen=True, kw_only=True)
class Kind(ABC):
    """What a column holds; an `optional` one may be null."""

    optional: bool = False

    @property
    @abstractmethod
    def feature(self) -> Any:
        """The column's type in `datasets`."""

    @abstractmethod
    def _check(self, value: Any) -> None:
        """Raise `InvalidRow` unless the value is valid; it is None only if that is invalid."""

    def _holds(self, column: pa.Array) -> bool:
        """Whether all values of a column without nulls are valid: by default, they are."""
        return not column.null_count

    def check(self, value: Any) -> None:
        """Raise `InvalidRow` unless the value is valid."""
        if value is not None or not self.optional:
            self._check(value)

    def holds(self, column: pa.Array) -> bool:
        """Whether `check` accepts all values of the column."""
        if column.null_count:
            if not self.optional:
                return False
            column = column.drop_null()
        return self._holds(column)


@dataclass(frozen=True, kw_only=True)
class Text(Kind):
    """Text that UTF-8 can hold; a `filled` one is not blank."""

    filled: bool = False

    @property
    def feature(self) -> Any:
        return Value("string")

    def _check(self, value: Any) -> None:
        if not isinstance(value, str):
            raise InvalidRow(f"is {type(value).__name__}, not text")
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise InvalidRow("has a lone surrogate, which no UTF-8 file can hold") from None
        if self.filled and not value.strip():
            raise InvalidRow("is blank")

    def holds(self, column: pa.Array) -> bool:
        # Without a copy of the texts between nulls.
        return (self.optional or not column.null_count) and self._holds(column)

    def _holds(self, column: pa.Array) -> bool:
        if not self.filled:
            return True
        blank = pc.or_(pc.utf8_is_space(column), pc.equal(column, ""))
        return pc.any(blank).as_py() is not True


@dataclass(frozen=True, kw_only=True)
class Choice(Kind):
    """One of a few texts."""

    choices: Collection[str]

    @property
    def feature(self) -> Any:
        return Value("string")

    def _check(self, value: Any) -> None:
        if not isinstance(value, str) or value not in self.choices:
            few = len(self.choices) <= _FEW
            known = f"one of {', '.join(self.choices)}" if few else "a known one"
            raise InvalidRow(f"is {value!r}, not {known}")

    def _holds(self, column: pa.Array) -> bool:
        return all_true(pc.is_in(column, pa.array(list(self.choices), pa.string())))


@dataclass(frozen=True, kw_only=True)
class Whole(Kind):
    """A whole number in a range; the type has to have room for `most`."""

    dtype: str
    least: int
    most: int

    @property
    def feature(self) -> Any:
        return Value(self.dtype)

    def _check(self, value: Any) -> None:
        if value is None:
            raise InvalidRow("is missing")
        if not _is_whole(value):
            raise InvalidRow(f"is {value!r}, not a whole number")
        if not self.least <= value <= self.most:
            raise InvalidRow(f"is {value}, outside {self.least} to {self.most}")

    def _holds(self, column: pa.Array) -> bool:
        return _within(column, self.least, self.most)


@dataclass(frozen=True, kw_only=True)
class Real(Kind):
    """A float in a range, `most` included, and `least` too unless it is `above` it.

    `whole` numbers are accepted as well where they mean the same. `meaning` is for the message.
    """

    meaning: str
    least: float
    most: float
    above: bool = False
    whole: bool = False

    @property
    def feature(self) -> Any:
        return Value("float64")

    def _check(self, value: Any) -> None:
        exact = self.whole and _is_whole(value) and abs(value) <= _EXACT
        typed = isinstance(value, float) or exact
        within = typed and self.least <= value <= self.most
        if not within or (self.above and value == self.least):
            raise InvalidRow(f"is {value!r}, not {self.meaning}")

    def _holds(self, column: pa.Array) -> bool:
        # NaN is in no range.
        over = pc.greater if self.above else pc.greater_equal
        return all_true(pc.and_(over(column, self.least), pc.less_equal(column, self.most)))


@dataclass(frozen=True, kw_only=True)
class Bool(Kind):
    """True or false."""

    @property
    def feature(self) -> Any:
        return Value("bool")

    def _check(self, value: Any) -> None:
        if not isinstance(value, bool):
            also = "true, false or null" if self.optional else "true or false"
            raise InvalidRow(f"is {value!r}, not {also}")


@dataclass(frozen=True, kw_only=True)
class Time(Kind):
    """A time with its zone."""

    @property
    def feature(self) -> Any:
        return Value("timestamp[us, tz=UTC]")

    def _check(self, value: Any) -> None:
        if value is None:
            raise InvalidRow("is missing")
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise InvalidRow(f"is {value!r}, not a time with its zone")


@dataclass(frozen=True, kw_only=True)
class Absent(Kind):
    """Always null, in the rows that a rule is about; `owner` is for the message."""

    owner: str

    @property
    def feature(self) -> Any:
        return Value("string")

    def _check(self, value: Any) -> None:
        if value is not None:
            raise InvalidRow(f"is {value!r}, and {self.owner} has none")

    def _holds(self, column: pa.Array) -> bool:
        return not len(column)

    def holds(self, column: pa.Array) -> bool:
        return column.null_count == len(column)


@dataclass(frozen=True, kw_only=True)
class ListOf(Kind):
    """A list, maybe empty, of valid items."""

    item: Kind
    name: str

    @property
    def feature(self) -> Any:
        return List(self.item.feature)

    def _check(self, value: Any) -> None:
        if not isinstance(value, list):
            raise InvalidRow(f"is {type(value).__name__}, not a list of {self.name}")
        for index, item in enumerate(value):
            try:
                self.item.check(item)
            except InvalidRow as error:
                raise error.inside(f"[{index}]") from None

    def _holds(self, column: pa.Array) -> bool:
        return self.item.holds(column.flatten())


@dataclass(frozen=True, kw_only=True)
class Struct(Kind):
    """A mapping with exactly these keys."""

    fields: Mapping[str, Kind]

    @property
    def feature(self) -> Any:
        return {name: kind.feature for name, kind in self.fields.items()}

    def _check(self, value: Any) -> None:
        if value is None:
            raise InvalidRow("is missing")
        if not isinstance(value, Mapping):
            raise InvalidRow(f"is {type(value).__name__}, not a mapping")
        if value.keys() != self.fields.keys():
            missing = [key for key in self.fields if key not in value]
            extra = sorted(str(key) for key in value.keys() - self.fields.keys())
            raise InvalidRow(f"has missing keys {missing}, unknown keys {extra}")
        for name, kind in self.fields.items():
            field = value[name]
            if field is None and kind.optional:
                continue
            try:
                kind._check(field)
            except InvalidRow as error:
                raise error.inside(name) from None

    def _holds(self, column: pa.Array) -> bool:
        # Children with the validity and the offset of their parent.
        children = zip(self.fields.values(), column.flatten(), strict=True)
        return all(kind.holds(child) for kind, child in children)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _within(column: pa.Array, least: int, most: int) -> bool:
    bounds = pc.min_max(column).as_py()
    return not len(column) or (bounds["min"] >= least and bounds["max"] <= most)


def all_true(column: pa.Array) -> bool:
    """Whether all are true; of none, they are."""
    return pc.all(column).as_py() is not False

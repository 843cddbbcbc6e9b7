"""What the rows of a table have to be: columns, and rules between them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from datasets import Features

from builders.rows import InvalidRow
from builders.rows.kinds import Kind, Struct

# Columns of a table by name, each in one piece.
Columns = Mapping[str, pa.Array]


class Rule(Protocol):
    """A rule on rows whose columns are valid each by itself."""

    def check(self, row: Mapping[str, Any]) -> None:
        """Raise `InvalidRow` where the row breaks the rule."""

    def holds(self, columns: Columns) -> bool:
        """Whether no row breaks it."""


@dataclass(frozen=True)
class When:
    """Rows whose `column` is `value` have stricter columns."""

    column: str
    value: str
    kinds: Mapping[str, Kind]

    def check(self, row: Mapping[str, Any]) -> None:
        if row[self.column] == self.value:
            for name, kind in self.kinds.items():
                _check(kind, row, name)

    def holds(self, columns: Columns) -> bool:
        chosen = pc.equal(columns[self.column], self.value)
        return all(kind.holds(columns[name].filter(chosen)) for name, kind in self.kinds.items())


@dataclass(frozen=True)
class Between:
    """A rule between columns: `problem` says what is wrong with a row, or None."""

    problem: Callable[[Mapping[str, Any]], str | None]
    all_hold: Callable[[Columns], bool]

    def check(self, row: Mapping[str, Any]) -> None:
        if problem := self.problem(row):
            raise InvalidRow(problem)

    def holds(self, columns: Columns) -> bool:
        return self.all_hold(columns)


@dataclass(frozen=True, eq=False)
class RowType:
    """The columns of a table in their order, and the rules between them.

    `Features` describe types for parquet and the Hub. They validate nothing:
    `Dataset.from_list(features=...)` accepts a null struct, turns 7.9 into 7, keeps a score of 99
    and splits a string given for a list of strings into its characters.
    """

    name: str
    columns: Mapping[str, Kind]
    rules: Sequence[Rule] = ()

    @cached_property
    def features(self) -> Features:
        return Features({name: kind.feature for name, kind in self.columns.items()})

    @cached_property
    def schema(self) -> pa.Schema:
        return self.features.arrow_schema

    def validate(self, row: Mapping[str, Any]) -> None:
        """Raise `InvalidRow`, naming the key, unless the row is valid."""
        try:
            self._struct.check(row)
        except InvalidRow as error:
            raise error if error.path else error.inside("row") from None
        for rule in self.rules:
            rule.check(row)

    def holds(self, table: pa.Table | pa.RecordBatch) -> bool:
        """Whether all rows of a table with this schema are valid."""
        columns = {name: _one_piece(table[name]) for name in self.columns}
        return all(kind.holds(columns[name]) for name, kind in self.columns.items()) and all(
            rule.holds(columns) for rule in self.rules
        )

    def check_table(self, table: pa.Table) -> pa.Table:
        """`table`, all of whose rows are valid. Raises `InvalidRow` naming the row and the key."""
        if not self.holds(table):
            for row in table.to_pylist():
                try:
                    self.validate(row)
                except InvalidRow as error:
                    raise InvalidRow(f"row {row['id']} cannot be released: {error}") from None
        return table

    @cached_property
    def _struct(self) -> Struct:
        return Struct(fields=self.columns)


def _check(kind: Kind, row: Mapping[str, Any], name: str) -> None:
    try:
        kind.check(row[name])
    except InvalidRow as error:
        raise error.inside(name) from None


def _one_piece(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    # `combine_chunks` copies even a single one.
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

"""One source, or two beside each other: what a page asks for, as plain values for JSON."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from builders.errors import BadInput
from builders.rows import Row
from builders.rows.reasons import REASONS
from builders.view.files import LedgerFile, Unreadable, read_files
from builders.view.filters import CHOICES, STAGES, Filters, Sql
from builders.view.index import COLUMNS, Index, connect
from builders.view.rows import RowReader
from builders.view.source import Source

# Up to so many rows, everything is read before the page opens.
_AT_ONCE = 20_000
# The numbers of the second source's rows begin here.
_BESIDE = 2**40
_SELECTIONS = 8
_OPTIONS = 100
_SNIPPET = 160
_LISTED = ("n", "id", "status", "reason", "draft_score", "refinement_score", "verdict", "change")
# What differs first, of rows with the same id.
_CHANGE = """CASE WHEN other.n IS NULL THEN 'only here'
    WHEN rows.status <> other.status OR rows.reason IS DISTINCT FROM other.reason THEN 'status'
    WHEN rows.digest <> other.digest THEN 'texts'
    WHEN rows.draft_score IS DISTINCT FROM other.draft_score
      OR rows.refinement_score IS DISTINCT FROM other.refinement_score THEN 'scores'
    WHEN rows.split IS DISTINCT FROM other.split THEN 'split'
    ELSE 'same' END"""


class Superseded(Exception):
    """The browser no longer waits for this answer."""


@dataclass
class Waiting:
    """An answer that a browser waits for; `cancel` interrupts the query that is being made."""

    cancelled: bool = False
    _interrupt: Callable[[], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cancel(self) -> None:
        with self._lock:
            self.cancelled = True
            if self._interrupt:
                self._interrupt()

    def watch(self, cursor: duckdb.DuckDBPyConnection) -> None:
        with self._lock:
            if self.cancelled:
                raise Superseded
            self._interrupt = cursor.interrupt


@dataclass(frozen=True)
class _Selection:
    """The numbers of the rows that filters leave, in order, and how many there are of each kind."""

    numbers: np.ndarray
    counts: Mapping[str, Any]


class _Side:
    """A source with its files, its index and its reader."""

    def __init__(self, source: Source, database: duckdb.DuckDBPyConnection, table: str) -> None:
        self.source, self._database, self._table = source, database, table
        self.files: list[LedgerFile] = []
        self.unreadable: list[Unreadable] = []
        self._damaged: dict[Path, LedgerFile] = {}
        self._look()
        if not self.files and self.unreadable:
            first = self.unreadable[0]
            raise BadInput(f"{first.path}: {first.reason}")
        self._make()

    def _look(self) -> None:
        known = {file.path: file for file in self.files}
        self.files, self.unreadable = read_files(self.source.parts(), known)
        damaged = [file for file in self.files if self._damaged.get(file.path) == file]
        self.files = [file for file in self.files if file not in damaged]
        self.unreadable += [Unreadable(file.path, "damaged within") for file in damaged]

    def _make(self) -> None:
        self.reader = RowReader(self.files)
        self.index = Index(
            self._database,
            self._table,
            self.files,
            verdicts=self.source.better,
            outcomes=self.source.outcomes,
            only=self.source.only,
        )

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    def begin(self) -> None:
        self._unless_damaged(self.index.begin)

    def complete(self) -> None:
        self._unless_damaged(self.index.complete)

    def _unless_damaged(self, read: Callable[[], None]) -> None:
        """Read; where a file turns out to be damaged within, leave it out and read the others."""
        try:
            read()
        except duckdb.Error:
            damaged = [file for file in self.files if not _is_whole(file)]
            if not damaged:
                raise
            self._damaged.update({file.path: file for file in damaged})
            self._look()
            self._make()
            getattr(self, read.__name__)()

    def grow(self) -> bool:
        """Take in what was written since; whether there was anything."""
        before = self.files
        self._look()
        if self.files == before:
            return False
        added = self.files[len(before) :]
        if self.files[: len(before)] == before:
            self.reader = RowReader(self.files)
            try:
                self.index.extend(added)
                return True
            except duckdb.Error:
                # One of them is damaged; which one is found out below.
                pass
        self._make()
        self.complete()
        return True


def _is_whole(file: LedgerFile) -> bool:
    reader = RowReader([file])
    first = 0
    for rows in file.groups:
        if rows and "unreadable" in reader.read(first):
            return False
        first += rows
    return True


class View:
    """The rows of a source, and of another one `beside` it. Safe to use from several threads."""

    def __init__(self, source: Source, beside: Source | None = None) -> None:
        self._database = connect()
        self._main = _Side(source, self._database, "main_rows")
        self._other = _Side(beside, self._database, "other_rows") if beside else None
        self._lock = threading.RLock()
        self._selections: OrderedDict[Any, _Selection] = OrderedDict()
        self._found: OrderedDict[str, pa.Table] = OrderedDict()
        self.version = 0
        if self._rows <= _AT_ONCE or self._other:
            self.complete()
        else:
            self._main.begin()
            self._renew()

    @property
    def _rows(self) -> int:
        return sum(side.rows for side in self._sides)

    @property
    def _sides(self) -> list[_Side]:
        return [side for side in (self._main, self._other) if side]

    @property
    def title(self) -> str:
        return self._main.source.title

    @property
    def is_whole(self) -> bool:
        """Whether all filters work; `complete` makes it so."""
        return all(side.index.whole for side in self._sides)

    def complete(self) -> None:
        """Read what a large source left out at first: lengths, models, costs and stages."""
        for side in self._sides:
            side.complete()
        self._renew()

    def refresh(self) -> None:
        """Take in the rows that a run has got since."""
        if not self.is_whole:
            return
        with self._lock:
            grown = [side.grow() for side in self._sides if side.source.kind == "run"]
            if any(grown):
                self._renew()

    def _renew(self) -> None:
        with self._lock:
            cursor = self._database.cursor()
            if self._other:
                cursor.execute(_side_by_side())
            else:
                cursor.execute(
                    "CREATE OR REPLACE VIEW facts AS SELECT *, NULL::VARCHAR AS change, "
                    "NULL::BIGINT AS other FROM main_rows"
                )
            self._selections.clear()
            self._found.clear()
            self._options = self._read_options(cursor)
            self.version += 1

    def _read_options(self, cursor: duckdb.DuckDBPyConnection) -> dict[str, list[list[Any]]]:
        """The values of each choice with the number of their rows, the most frequent first."""
        options = {}
        for name, columns in CHOICES.items():
            listed = ", ".join(f"coalesce({column}, '-')" for column in columns)
            groups = cursor.execute(f"SELECT {listed}, count(*) FROM facts GROUP BY ALL").fetchall()
            counts: Counter[str] = Counter()
            for *values, count in groups:
                counts.update(dict.fromkeys(values, count))
            # Equally frequent ones in the order of their names.
            ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            options[name] = [list(pair) for pair in ordered[:_OPTIONS]]
        return options

    def summary(self, filters: Filters, waiting: Waiting | None = None) -> dict[str, Any]:
        """What the page shows around its rows: what this is, and counts of the rows chosen."""
        self.refresh()
        source = self._main.source
        chosen = self._select(filters, waiting or Waiting())
        return {
            "title": source.title,
            "kind": source.kind,
            # Whether status and reason are those of the ledger.
            "staged": not source.outcomes,
            "facts": list(source.facts),
            "labels": dict(source.labels),
            "beside": self._other.source.title if self._other else None,
            "complete": source.is_complete(),
            "whole": self.is_whole,
            "version": self.version,
            "skipped": [
                {"file": str(file.path.name), "reason": file.reason}
                for side in self._sides
                for file in side.unreadable
            ],
            "rows": self._count(),
            "chosen": len(chosen.numbers),
            "counts": dict(chosen.counts),
            "options": self._options,
            "stages": list(STAGES),
            "reasons": REASONS,
        }

    def _count(self) -> int:
        return self._database.cursor().execute("SELECT count(*) FROM facts").fetchone()[0]

    def listed(
        self, filters: Filters, offset: int, limit: int, waiting: Waiting | None = None
    ) -> dict[str, Any]:
        """The rows at some places among those chosen, in brief."""
        chosen = self._select(filters, waiting or Waiting()).numbers
        numbers = [int(number) for number in chosen[offset : offset + limit]]
        return {"chosen": len(chosen), "offset": offset, "rows": self._brief(numbers)}

    def _brief(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        sql = f"SELECT {', '.join(_LISTED)} FROM facts WHERE n IN (SELECT unnest(?))"
        found = self._database.cursor().execute(sql, [list(numbers)]).fetchall()
        rows = {values[0]: dict(zip(_LISTED, values, strict=True)) for values in found}
        for number, row in rows.items():
            text = self._read(number, ("instruction",)).get("instruction") or ""
            row["instruction"] = text[:_SNIPPET]
        return [rows[number] for number in numbers if number in rows]

    def place(self, filters: Filters, row_id: str, waiting: Waiting | None = None) -> int | None:
        """Where the row with an id is among those chosen; None if it is not."""
        chosen = self._select(filters, waiting or Waiting()).numbers
        cursor = self._database.cursor()
        found = cursor.execute("SELECT n FROM facts WHERE id = ? ORDER BY n", [row_id]).fetchall()
        places = [np.flatnonzero(chosen == number) for (number,) in found]
        return next((int(at[0]) for at in places if len(at)), None)

    def next_dropped(
        self, filters: Filters, after: int, waiting: Waiting | None = None
    ) -> int | None:
        """The place of the first dropped row behind a place; None if there is none."""
        chosen = self._select(filters, waiting or Waiting()).numbers
        cursor = self._database.cursor()
        dropped = cursor.execute("SELECT n FROM facts WHERE status <> 'kept'").fetchnumpy()["n"]
        behind = np.flatnonzero(np.isin(chosen[after + 1 :], np.asarray(dropped)))
        return after + 1 + int(behind[0]) if len(behind) else None

    def row(self, number: int) -> dict[str, Any] | None:
        """A row with everything that is known of it, and the other source's row of the same id."""
        cursor = self._database.cursor()
        found = cursor.execute("SELECT * FROM facts WHERE n = ?", [number])
        names = [column[0] for column in found.description]
        if (values := found.fetchone()) is None:
            return None
        facts = dict(zip(names, values, strict=True))
        detail = self._detail(number, facts)
        if facts["other"] is not None:
            other = cursor.execute(
                "SELECT * FROM other_rows WHERE n = ?", [facts["other"] - _BESIDE]
            ).fetchone()
            detail["other"] = self._detail(facts["other"], dict(zip(COLUMNS, other, strict=True)))
        return detail

    def _detail(self, number: int, facts: Mapping[str, Any]) -> dict[str, Any]:
        side = self._other if self._other and number >= _BESIDE else self._main
        row_id = facts["id"]
        return {
            "facts": {name: value for name, value in facts.items() if name != "digest"},
            "row": self._read(number),
            "of": side.source.title,
            "verdicts": [_shown(verdict) for verdict in side.source.verdicts.get(row_id, ())],
            "notes": list(side.source.notes.get(row_id, ())),
        }

    def _read(self, number: int, columns: Sequence[str] | None = None) -> Row:
        if number >= _BESIDE and self._other:
            return self._other.reader.read(number - _BESIDE, columns)
        return self._main.reader.read(number, columns)

    def rows(self, filters: Filters, most: int) -> Iterable[dict[str, Any]]:
        """The chosen rows with everything, up to `most`."""
        for number in self._select(filters, Waiting()).numbers[:most]:
            if (row := self.row(int(number))) is not None:
                yield row

    def _select(self, filters: Filters, waiting: Waiting) -> _Selection:
        key = (self.version, filters)
        with self._lock:
            if key in self._selections:
                self._selections.move_to_end(key)
                return self._selections[key]
        cursor = self._database.cursor()
        waiting.watch(cursor)
        try:
            chosen = self._query(cursor, filters)
        except duckdb.InterruptException:
            raise Superseded from None
        with self._lock:
            self._selections[key] = chosen
            while len(self._selections) > _SELECTIONS:
                self._selections.popitem(last=False)
        return chosen

    def _query(self, cursor: duckdb.DuckDBPyConnection, filters: Filters) -> _Selection:
        where = filters.where()
        if filters.text:
            cursor.register("found", self._find(cursor, filters.text))
            where.add("n IN (SELECT n FROM found)")
        order = filters.order()
        sql = f"SELECT n FROM facts WHERE {where.condition} {' '.join(order.parts)}"
        numbers = cursor.execute(sql, [*where.parameters, *order.parameters]).fetchnumpy()["n"]
        if filters.sample is not None:
            cursor.register("drawn", pa.table({"n": numbers}))
            where.add("n IN (SELECT n FROM drawn)")
        return _Selection(np.asarray(numbers), _counts(cursor, where))

    def _find(self, cursor: duckdb.DuckDBPyConnection, text: str) -> pa.Table:
        """The numbers of the rows that have a text; DuckDB reads all texts for it."""
        key = text.lower()
        with self._lock:
            if key in self._found:
                return self._found[key]
        found = [
            pa.table(cursor.execute(sql, parameters).fetchnumpy())
            for side, first in zip(self._sides, (0, _BESIDE), strict=False)
            for sql, parameters in side.index.texts(text, first)
        ]
        table = pa.concat_tables(found) if found else pa.table({"n": pa.array([], pa.int64())})
        with self._lock:
            self._found[key] = table
            while len(self._found) > _SELECTIONS:
                self._found.popitem(last=False)
        return table


def _side_by_side() -> str:
    return f"""CREATE OR REPLACE TABLE facts AS
    WITH other AS (
      SELECT id, min(n) AS first FROM other_rows GROUP BY id
    ), others AS (
      SELECT other_rows.* FROM other_rows JOIN other ON other_rows.n = other.first
    )
    SELECT rows.*, {_CHANGE} AS change, other.n + {_BESIDE} AS other
    FROM main_rows AS rows LEFT JOIN others AS other USING (id)
    UNION ALL BY NAME
    SELECT * REPLACE (n + {_BESIDE} AS n), 'only beside' AS change, NULL::BIGINT AS other
    FROM other_rows ANTI JOIN main_rows USING (id)"""


def _counts(cursor: duckdb.DuckDBPyConnection, where: Sql) -> dict[str, Any]:
    """How many rows there are of each status, reason and stage, of each score, of each length."""

    def count(columns: str) -> list[list[Any]]:
        sql = (
            f"SELECT {columns}, count(*) FROM facts WHERE {where.condition} "
            "GROUP BY ALL ORDER BY ALL"
        )
        return [list(values) for values in cursor.execute(sql, where.parameters).fetchall()]

    def length(column: str) -> str:
        return f"floor(log2(greatest({column}, 1)))::INT"

    return {
        "fates": count("status, reason, reached"),
        "scores": count("draft_score, refinement_score"),
        "lengths": count(f"{length('draft_length')}, {length('refinement_length')}"),
        "changes": count("change"),
        "verdicts": count("verdict"),
    }


def _shown(verdict: Row) -> dict[str, Any]:
    """What is shown of a verdict."""
    names = (
        "annotator",
        "better",
        "draft_score",
        "refinement_score",
        "weaknesses_real",
        "suggestions_actionable",
        "refinement_introduces_error",
        "corrected_critique",
        "corrected_refinement",
        "assisted",
    )
    return {name: verdict[name] for name in names}

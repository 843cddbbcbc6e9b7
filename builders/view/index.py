"""The short facts of every row of a ledger, in memory, for filters, sorting and counts.

DuckDB reads them from the parquet files: first the columns that cost little, so that a page opens
at once, then those for which it has to read every text (`Index.complete`). Texts stay on disk.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, groupby
from typing import Any

import duckdb
import pyarrow as pa

from builders.view.files import LedgerFile

# The index of a million rows takes about a third of this.
_MEMORY = "600MB"
# By the letters of the instruction: the first script of this list that it has.
_SCRIPTS = {
    "Han": "Han",
    "Japanese": "Hiragana}\\p{Katakana",
    "Korean": "Hangul",
    "Arabic": "Arabic",
    "Hebrew": "Hebrew",
    "Cyrillic": "Cyrillic",
    "Greek": "Greek",
    "Devanagari": "Devanagari",
    "Bengali": "Bengali",
    "Thai": "Thai",
    "Latin": "Latin",
}
# Japanese has Han too, so it is looked for first.
_ORDER = ("Japanese", *(name for name in _SCRIPTS if name != "Japanese"))
_SCRIPT = (
    "CASE "
    + " ".join(
        f"WHEN regexp_matches(instruction, '[\\p{{{_SCRIPTS[name]}}}]') THEN '{name}'"
        for name in _ORDER
    )
    + " ELSE 'other' END"
)


def _model(step: str) -> str:
    """The model of the last call of a step."""
    return f"list_filter(calls, lambda call: call.step = '{step}')[-1].model"


def _sum(of: str) -> str:
    return f"list_sum(list_transform(calls, lambda call: {of}))"


# What the columns of the index are, quick to read or not.
_QUICK = {
    "id": ("VARCHAR", "id"),
    "source": ("VARCHAR", "source"),
    "status": ("VARCHAR", "status"),
    "reason": ("VARCHAR", "reason"),
    "draft_score": ("TINYINT", "draft_score"),
    "refinement_score": ("TINYINT", "refinement_score"),
    "margin": ("TINYINT", "refinement_score - draft_score"),
    "critique_score": ("TINYINT", "critique.score"),
}
_SLOW = {
    "reached": (
        "TINYINT",
        "CASE WHEN status = 'kept' THEN 4 "
        "WHEN draft_score IS NOT NULL AND refinement_score IS NOT NULL THEN 3 "
        "WHEN critique IS NOT NULL THEN 2 WHEN draft IS NOT NULL THEN 1 ELSE 0 END",
    ),
    "instruction_length": ("INTEGER", "length(instruction)"),
    "draft_length": ("INTEGER", "length(draft)"),
    "refinement_length": ("INTEGER", "length(refinement)"),
    "script": ("VARCHAR", _SCRIPT),
    "draft_model": ("VARCHAR", _model("draft")),
    "critic_model": ("VARCHAR", _model("critique")),
    "scorer_model": ("VARCHAR", _model("score_draft")),
    "tokens": ("BIGINT", _sum("coalesce(call.tokens_in, 0) + coalesce(call.tokens_out, 0)")),
    "cost": ("DOUBLE", _sum("call.cost")),
    "latency": ("DOUBLE", _sum("call.latency")),
    "digest": ("UBIGINT", "hash(instruction, draft, critique, refinement)"),
}
_OUTCOME = """REPLACE (
  CASE WHEN outcome.id IS NULL THEN rows.status ELSE outcome.status END AS status,
  CASE WHEN outcome.id IS NULL THEN rows.reason ELSE outcome.reason END AS reason)"""
COLUMNS = ("n", "split", "verdict", *_QUICK, *_SLOW)
# The texts of a row that are searched.
_SEARCHED = (
    "instruction",
    "draft",
    "refinement",
    "critic_reply",
    "array_to_string(critique.weaknesses, chr(10))",
    "array_to_string(critique.suggestions, chr(10))",
    "detail",
)


def connect() -> duckdb.DuckDBPyConnection:
    """A database in memory that loads no extension, so that nothing is ever downloaded."""
    return duckdb.connect(
        ":memory:",
        config={
            "memory_limit": _MEMORY,
            # Nothing is spilled to the disk.
            "temp_directory": "",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )


class Index:
    """The table `name` of `database`, with a row for each row of `files` that `people` leave.

    Rows are numbered from zero over all files. `verdicts` is what people found better, by id;
    `outcomes` a status and a reason by id that count instead of the row's own. With `only`, rows of
    other ids are left out.
    """

    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        name: str,
        files: Sequence[LedgerFile],
        *,
        verdicts: Mapping[str, str] | None = None,
        outcomes: Mapping[str, tuple[str, str | None]] | None = None,
        only: Sequence[str] | None = None,
    ) -> None:
        self._database, self.name, self.files = database, name, list(files)
        self._tables = {
            "verdicts": _by_id(verdicts or {}, ("verdict",)),
            "outcomes": _by_id(outcomes or {}, ("status", "reason")),
        }
        self._only = None if only is None else pa.table({"id": pa.array(only, pa.string())})
        self.whole = False

    def begin(self) -> None:
        """Read what is quick to read; the other columns are null."""
        self._fill(_QUICK, whole=False)

    def complete(self) -> None:
        """Read all columns. Whoever reads the table sees the old one until then."""
        self._fill(_QUICK | _SLOW, whole=True)

    def extend(self, files: Sequence[LedgerFile]) -> None:
        """Add the rows of more files, which come after the others."""
        first = sum(file.rows for file in self.files)
        cursor = self._cursor()
        for sql, parameters in self._selects(_QUICK | _SLOW, files, first):
            cursor.execute(f"INSERT INTO {self.name} BY NAME {sql}", parameters)
        self.files += files

    def texts(self, text: str, first: int = 0) -> Iterator[tuple[str, list[Any]]]:
        """Queries for the numbers, above `first`, of the rows with a text that has `text`."""
        condition = " OR ".join(f"contains(lower({column}), lower(?))" for column in _SEARCHED)
        for files in _by_version(self.files, first):
            rows, parameters = _scan(files)
            yield (
                f"SELECT n FROM ({rows}) WHERE id = ? OR {condition}",
                [*parameters, text, *[text] * len(_SEARCHED)],
            )

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor = self._database.cursor()
        for name, table in self._tables.items():
            cursor.register(f"given_{name}", table)
        if self._only is not None:
            cursor.register("given_ids", self._only)
        return cursor

    def _fill(self, columns: Mapping[str, tuple[str, str]], *, whole: bool) -> None:
        cursor = self._cursor()
        building = f"{self.name}_next"
        kinds = {"n": "BIGINT", "split": "VARCHAR", "verdict": "VARCHAR"}
        kinds |= {name: kind for name, (kind, _) in (_QUICK | _SLOW).items()}
        declared = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        cursor.execute(f"CREATE OR REPLACE TABLE {building} ({declared})")
        for sql, parameters in self._selects(columns, self.files, 0):
            cursor.execute(f"INSERT INTO {building} BY NAME {sql}", parameters)
        # At once: somebody may be asking.
        cursor.execute("BEGIN")
        cursor.execute(f"DROP TABLE IF EXISTS {self.name}")
        cursor.execute(f"ALTER TABLE {building} RENAME TO {self.name}")
        cursor.execute("COMMIT")
        self.whole = whole

    def _selects(
        self, columns: Mapping[str, tuple[str, str]], files: Sequence[LedgerFile], first: int
    ) -> Iterator[tuple[str, list[Any]]]:
        """A query for each schema version, with the rows in the columns of the table."""
        chosen = ", ".join(f"{expression} AS {name}" for name, (_, expression) in columns.items())
        only = "" if self._only is None else "WHERE id IN (SELECT id FROM given_ids)"
        for placed in _by_version(files, first):
            scan, parameters = _scan(placed)
            yield (
                f"SELECT rows.* {_OUTCOME}, said.verdict FROM "
                f"(SELECT n, split, {chosen} FROM ({scan}) {only}) AS rows "
                "LEFT JOIN given_verdicts AS said USING (id) "
                "LEFT JOIN given_outcomes AS outcome USING (id)",
                parameters,
            )


def _by_id(values: Mapping[str, Any], columns: Sequence[str]) -> pa.Table:
    rows = [value if isinstance(value, tuple) else (value,) for value in values.values()]
    arrays = {"id": pa.array(list(values), pa.string())}
    for place, name in enumerate(columns):
        arrays[name] = pa.array([row[place] for row in rows], pa.string())
    return pa.table(arrays)


def _by_version(files: Sequence[LedgerFile], first: int) -> Iterator[list[tuple[LedgerFile, int]]]:
    """The files of each schema version, each with the number of its first row."""
    firsts = accumulate((file.rows for file in files), initial=first)
    placed = sorted(zip(files, firsts, strict=False), key=lambda item: item[0].version)
    for _, group in groupby(placed, key=lambda item: item[0].version):
        yield list(group)


def _scan(files: Sequence[tuple[LedgerFile, int]]) -> tuple[str, list[Any]]:
    """All columns of some files of one schema, with each row's number and split."""
    return (
        "SELECT *, (?::BIGINT[])[file_index::BIGINT + 1] + file_row_number AS n, "
        "(?::VARCHAR[])[file_index::BIGINT + 1] AS split "
        "FROM read_parquet(?, file_row_number = true)",
        [
            [first for _, first in files],
            [file.split for file, _ in files],
            [str(file.path) for file, _ in files],
        ],
    )

"""The check `schema`: whether every file has the columns of its config, and all rows are valid."""

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa

from builders.errors import reason_of
from builders.files.parquet import open_parquet
from builders.gate.check import FirstRows
from builders.gate.release_files import UNREADABLE, Part, iter_rows
from builders.manifest import Check
from builders.release.configs import ROW_TYPES
from builders.rows import InvalidRow
from builders.rows.older import VERSIONS, stored_schema, upgraded
from builders.wording import counted


class Schemas:
    """Reads files and notes what is wrong with them; `rows` counts the rows read.

    `version` is the schema version of the release. Its files have the columns of that version, and
    their rows are read as rows of the current one. `stopped` says that a file cannot be read to its
    end: what comes after that in it does not count.
    """

    def __init__(self, version: str) -> None:
        self._version = version
        self.stopped = False
        self.rows: Counter[tuple[str, str]] = Counter()
        self._problems: list[str] = []
        self._first_invalid: str | None = None
        self._invalid = FirstRows()

    def read(self, part: Part) -> Iterator[pa.Table]:
        """The valid rows of a part of a file; none if its columns are not those of its config."""
        for table in self._batches(part):
            yield self._valid(part, table)

    def read_all(self, part: Part) -> None:
        """Check the columns and rows of a part of a file."""
        for _ in self.read(part):
            pass

    def add(self, other: "Schemas") -> None:
        """Take over what another one noted, of parts that are later in the order of files."""
        self.rows.update(other.rows)
        # Of all rows that are not valid, the first is described.
        is_first = self._first_invalid is None
        self._problems += [
            problem for problem in other._problems if is_first or problem != other._first_invalid
        ]
        if is_first:
            self._first_invalid = other._first_invalid
        self._invalid.extend(other._invalid)

    def _batches(self, part: Part) -> Iterator[pa.Table]:
        config, where = part.config, f"{part.config}/{part.path.name}"
        if config not in ROW_TYPES:
            self._stop(f"{where}: the config {config!r} is not known")
            return
        rows = ROW_TYPES[config]
        try:
            with open_parquet(part.path) as file:
                if not file.schema_arrow.equals(stored_schema(rows, self._version)):
                    self._stop(f"{where}: its columns are not those of the schema")
                    return
                for batch in iter_rows(file, part.groups):
                    self.rows[config, part.split] += len(batch)
                    table = pa.Table.from_batches([batch])
                    if self._version in VERSIONS:
                        table = upgraded(table, rows, rows.schema.names)
                    yield table
        except UNREADABLE as error:
            self._stop(f"{where}: cannot be read ({reason_of(error)})")

    def _stop(self, problem: str) -> None:
        """Note why no row of the file can be read from here on."""
        self._problems.append(problem)
        self.stopped = True

    def _valid(self, part: Part, table: pa.Table) -> pa.Table:
        config, path = part.config, part.path
        if ROW_TYPES[config].holds(table):
            return table
        is_valid = []
        for row in table.to_pylist():
            try:
                ROW_TYPES[config].validate(row)
            except InvalidRow as error:
                if self._first_invalid is None:
                    self._first_invalid = f"{config}/{path.name}: row {row['id']}: {error}"
                    self._problems.append(self._first_invalid)
                self._invalid.add(str(row["id"]))
                is_valid.append(False)
            else:
                is_valid.append(True)
        return table.filter(pa.array(is_valid))

    def miss(self, what: str) -> None:
        """Note something that the release should have."""
        self._problems.append(what)

    def result(self) -> Check:
        by_config: Counter[str] = Counter()
        for (config, _), rows in self.rows.items():
            by_config[config] += rows
        figures = {
            "rows": dict(sorted(by_config.items())),
            "invalid_rows": self._invalid.count,
            "problems": self._problems[:20],
        }
        if self._problems:
            more = len(self._problems) - 1
            others = f"; and {more} more" if more else ""
            invalid = counted(self._invalid.count, "row is", "rows are")
            bad = f" ({invalid} not valid)" if self._invalid.count else ""
            sentence = f"{self._problems[0]}{others}{bad}."
            return Check(
                name="schema",
                status="fail",
                sentence=sentence,
                figures=figures,
                rows=self._invalid.ids,
            )
        total, configs = by_config.total(), len(by_config)
        sentence = (
            f"{counted(total, 'row')} of {counted(configs, 'config')} have the schema's columns "
            "and are valid."
        )
        return Check(name="schema", status="pass", sentence=sentence, figures=figures)

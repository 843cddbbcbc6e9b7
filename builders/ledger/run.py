"""A run on disk: `recipe.yaml`, `ledger/part-*.parquet`, and `manifest.json` when it is done.

Parts are written whole as work completes. Only rows that failed and are tried again replace
others, in a part of the same name. The manifest is written last: a run
that has one is complete.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builders.errors import BadInput
from builders.files.atomic import write_json
from builders.files.hashes import sha256_of_files
from builders.files.parquet import write_parquet
from builders.ledger.manifest import RunManifest, read_run_manifest
from builders.rows import Row
from builders.rows.ids import is_first_sample
from builders.rows.read import read_rows
from builders.rows.schema import LEDGER_ROWS

# For a few dozen rows of long texts, minima and maxima take more space than the rows, and
# dictionaries a third of the time.
_PARQUET = {"write_statistics": False, "use_dictionary": False}


@dataclass(frozen=True)
class Run:
    """A run's folder: its paths, and reading and appending to its ledger."""

    folder: Path

    @property
    def recipe_path(self) -> Path:
        return self.folder / "recipe.yaml"

    @property
    def manifest_path(self) -> Path:
        return self.folder / "manifest.json"

    @property
    def ledger_folder(self) -> Path:
        return self.folder / "ledger"

    def parts(self) -> list[Path]:
        """The ledger's files in the order in which their rows were drawn."""
        return sorted(self.ledger_folder.glob("part-*.parquet"))

    def count_rows(self) -> int:
        return sum(pq.read_metadata(part).num_rows for part in self.parts())

    def count_instructions(self) -> int:
        """How many instructions the rows are of: fewer where some were drafted several times."""
        return sum(is_first_sample(row["id"]) for row in self.iter_rows(["id"]))

    def iter_rows(self, columns: list[str] | None = None) -> Iterator[Row]:
        """Every ledger row in order, a few hundred in memory at a time."""
        for part in self.parts():
            yield from read_rows(part, LEDGER_ROWS, columns)

    def append(self, rows: list[Row]) -> Path:
        """Validate `rows` and write them as the ledger's next part."""
        for row in rows:
            LEDGER_ROWS.validate(row)
        part = self._part(self._next_number())
        self._write(part, rows)
        return part

    def replace(self, part: Path, rows: Mapping[str, Row]) -> None:
        """Put `rows`, by id, into the places of those in a part. The run is not complete then."""
        for row in rows.values():
            LEDGER_ROWS.validate(row)
        self.manifest_path.unlink(missing_ok=True)
        self._write(part, [rows.get(row["id"], row) for row in read_rows(part, LEDGER_ROWS)])

    def _write(self, part: Path, rows: list[Row]) -> None:
        table = pa.Table.from_pylist(rows, schema=LEDGER_ROWS.schema)
        write_parquet(part, table, **_PARQUET)

    def _part(self, number: int) -> Path:
        return self.ledger_folder / f"part-{number:06d}.parquet"

    def _next_number(self) -> int:
        """The number of the first missing part, by binary search.

        Listing the folder for every part would make rows more expensive as the run grows.
        """
        return bisect_left(
            range(1_000_000), True, key=lambda number: not self._part(number).exists()
        )

    def read_manifest(self) -> RunManifest | None:
        """The manifest, or None while the run is incomplete; BadInput if it is damaged."""
        if not self.manifest_path.exists():
            return None
        return read_run_manifest(self.manifest_path)

    def write_manifest(self, manifest: RunManifest) -> None:
        """Write the manifest, with the hashes of the ledger's files: the run is complete."""
        files = sha256_of_files(self.parts(), self.folder)
        whole = manifest.model_copy(update={"files": files})
        write_json(self.manifest_path, whole.model_dump(mode="json"))


def open_run(folder: Path) -> Run:
    """The run in `folder`; BadInput if there is none."""
    run = Run(folder)
    if not run.recipe_path.is_file():
        raise BadInput(f"{folder}: not a run (it has no recipe.yaml)")
    return run


def open_complete_run(folder: Path) -> tuple[Run, RunManifest]:
    """The run in `folder` and its manifest; BadInput if it is missing or unfinished."""
    run = open_run(folder)
    manifest = run.read_manifest()
    if manifest is None:
        raise BadInput(
            f"{folder}: the run is not complete (it has no manifest.json); the `srt build` "
            "command that began it continues it"
        )
    return run, manifest

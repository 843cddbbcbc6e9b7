"""A run on disk: `recipe.yaml`, `ledger/part-*.parquet`, and `manifest.json` when it is done.

Parts are written as work completes and never changed; a part is there whole or not at all.
The manifest is written last: where it exists, the run is complete.
"""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.atomic import atomic_file
from builders.errors import BadInput
from builders.schema import LEDGER, validate_ledger_row

# A property that puts it together anew at each access.
_ARROW_SCHEMA = LEDGER.arrow_schema
# Of a part's few dozen rows of long texts, minima and maxima take more room than the rows, and
# dictionaries a third of the time.
_PARQUET = {"compression": "zstd", "write_statistics": False, "use_dictionary": False}


@dataclass(frozen=True)
class Run:
    """The paths of a run, and how its ledger is read and appended to."""

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

    def iter_rows(self, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
        """Every ledger row in order, a few hundred in memory at a time."""
        for part in self.parts():
            for batch in pq.ParquetFile(part).iter_batches(batch_size=512, columns=columns):
                yield from batch.to_pylist()

    def append(self, rows: list[dict[str, Any]]) -> Path:
        """Validate `rows` and write them as the ledger's next part."""
        for row in rows:
            validate_ledger_row(row)
        part = self._part(self._next_number())
        table = pa.Table.from_pylist(rows, schema=_ARROW_SCHEMA)
        with atomic_file(part) as temporary:
            pq.write_table(table, temporary, **_PARQUET)
        return part

    def _part(self, number: int) -> Path:
        return self.ledger_folder / f"part-{number:06d}.parquet"

    def _next_number(self) -> int:
        """The number of the first part that is not there, found by halving.

        Listing the folder for every part would make the cost of a row grow with the run.
        """
        return bisect_left(
            range(1_000_000), True, key=lambda number: not self._part(number).exists()
        )

    def read_manifest(self) -> dict[str, Any] | None:
        """The manifest, or None while the run is incomplete."""
        if not self.manifest_path.exists():
            return None
        return json.loads(self.manifest_path.read_text())

    def write_manifest(self, facts: Mapping[str, Any]) -> None:
        write_json(self.manifest_path, {**facts, "files": sha256_of(self.parts(), self.folder)})


def open_run(folder: Path) -> Run:
    """The run in `folder`; BadInput where there is none."""
    run = Run(folder)
    if not run.recipe_path.is_file():
        raise BadInput(f"{folder}: not a run (it has no recipe.yaml)")
    return run


def open_complete_run(folder: Path) -> tuple[Run, dict[str, Any]]:
    """The run in `folder` and its manifest; BadInput where it is missing or unfinished."""
    run = open_run(folder)
    manifest = run.read_manifest()
    if manifest is None:
        raise BadInput(
            f"{folder}: the run is not complete (it has no manifest.json); the `srt build` "
            "command that began it continues it"
        )
    return run, manifest


def write_json(path: Path, value: Any) -> None:
    """Write `value` as sorted, indented JSON, atomically."""
    with atomic_file(path) as temporary:
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def sha256_of(paths: Iterable[Path], root: Path) -> dict[str, str]:
    """SHA-256 of each file, by its path relative to `root`."""
    paths = list(paths)
    with ThreadPoolExecutor() as pool:
        names = (path.relative_to(root).as_posix() for path in paths)
        return dict(zip(names, pool.map(_sha256, paths), strict=True))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

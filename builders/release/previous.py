"""The release that a version follows: which one it is, and whether it is still as it was made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from builders.duplicates.exact import instruction_hash
from builders.errors import BadInput
from builders.files.hashes import sha256_of_file, sha256_of_files
from builders.files.parquet import open_parquet
from builders.manifest import FILE, Manifest, read_manifest
from builders.release.splits import SPLITS
from builders.rows.older import version_of
from builders.rows.read import read_tables, reading
from builders.rows.row_type import RowType
from builders.rows.schema import LEDGER_ROWS
from builders.versions import parse_version, version_of_tag

_ROWS = 4096


@dataclass(frozen=True)
class PreviousRows:
    """What a release decided that the next version keeps: nothing, if there is none.

    `ids` has the ids of its ledger in their order, [rows]; `trained` the `instruction_hash` of each
    instruction in its train split, uint64 [instructions]; `kept` those of its kept rows, and
    `reserved` those that audits need and that were therefore moved to test, for good.
    """

    ids: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))
    trained: np.ndarray = field(default_factory=lambda: np.array([], np.uint64))
    kept: frozenset[int] = frozenset()
    reserved: frozenset[int] = frozenset()


@dataclass(frozen=True)
class PreviousRelease:
    """A release on disk, with its manifest and the hash of that file."""

    folder: Path
    manifest: Manifest
    manifest_sha256: str

    @property
    def version(self) -> str:
        return self.manifest.version

    def files(self, config: str, split: str) -> list[Path]:
        splits = self.manifest.configs.get(config, {})
        return [self.folder / path for path in splits[split].files] if split in splits else []

    def schema(self, config: str) -> pa.Schema:
        path = next(path for split in SPLITS for path in self.files(config, split))
        with reading(path):
            return pq.read_schema(path)


def previous_rows(previous: PreviousRelease | None) -> PreviousRows:
    if previous is None:
        return PreviousRows()
    ids, trained, kept, columns = [], [], set[int](), ["id", "instruction", "status"]
    for split in SPLITS:
        for table in read_files(previous.files("ledger", split), LEDGER_ROWS, columns):
            ids += table["id"].chunks
            hashes = list(map(instruction_hash, table["instruction"].to_pylist()))
            if split == "train":
                trained += hashes
            statuses = table["status"].to_pylist()
            kept.update(h for h, status in zip(hashes, statuses, strict=True) if status == "kept")
    reserved = previous.manifest.reserved or {}
    return PreviousRows(
        pa.chunked_array(ids, pa.string()).combine_chunks(),
        np.array(trained, np.uint64),
        frozenset(kept),
        frozenset(int(value, 16) for value in reserved.get("in_test", ())),
    )


def read_files(
    files: Sequence[Path], rows: RowType | None, columns: list[str] | None = None
) -> Iterator[pa.Table]:
    """The rows of `files`, a few thousand at a time; BadInput if a file cannot be read.

    Files that do not have the columns of `rows` in any schema version are read as they are.
    """
    for path in files:
        with reading(path), open_parquet(path) as file:
            known = rows is not None and version_of(file.schema_arrow, rows) is not None
            if not known:
                for batch in file.iter_batches(_ROWS, columns=columns):
                    yield pa.Table.from_batches([batch])
        if known:
            yield from read_tables(path, rows, columns)


def find_previous(
    out: Path,
    name: str,
    version: str,
    parent: Path | Literal["none"] | None = None,
    *,
    rename: bool = False,
) -> PreviousRelease | None:
    """The release that `version` of `name` follows: `parent`, or else the latest in `out`.

    `parent` may be its name in `out`. With `rename` it has another name, and `name` no release yet.
    BadInput if `version` is not above all versions in `out`, or the previous release is damaged.
    """
    if rename and parent in (None, "none"):
        raise BadInput("--rename: name the release under its old name with --parent OLD@vX.Y.Z")
    new = parse_version(version)
    existing = {
        number: folder
        for folder in out.glob(f"{name}@v*")
        if (number := version_of_tag(folder.name.removeprefix(f"{name}@")))
    }
    if new in existing:
        raise BadInput(
            f"{existing[new]}: this release exists and is never changed; choose a new version"
        )
    if existing and new < max(existing):
        raise BadInput(
            f"version {version}: {existing[max(existing)]} exists already, and versions go up"
        )
    if parent == "none" or (parent is None and not existing):
        return None
    if rename and existing:
        raise BadInput(f"--rename: {existing[max(existing)]} has the name {name} already")
    folder = existing[max(existing)] if parent is None else Path(parent)
    if not folder.exists() and (out / folder).is_dir():
        folder = out / folder
    previous = open_release(folder)
    if previous.manifest.name != name and not rename:
        raise BadInput(
            f"{previous.folder}: a release of {previous.manifest.name}, not of {name}; --rename "
            f"keeps its history under the name {name}"
        )
    if previous.manifest.name == name and rename:
        raise BadInput(f"--rename: {previous.folder} has the name {name} already")
    if parse_version(previous.version) >= new:
        raise BadInput(f"version {version}: its parent is {previous.version}, and versions go up")
    return previous


def open_release(folder: Path) -> PreviousRelease:
    """The release in `folder`; BadInput unless its files are those that its manifest lists."""
    manifest = read_manifest(folder)
    if "ledger" not in manifest.configs:
        raise BadInput(f"{folder / FILE}: not a release's manifest (configs.ledger: missing)")
    listed = manifest.files
    used = [
        name
        for splits in manifest.configs.values()
        for split in splits.values()
        for name in split.files
    ]
    missing = [name for name in (*listed, *used) if not (folder / name).is_file()]
    if missing:
        raise BadInput(f"{folder}: the release is damaged: {missing[0]} is missing")
    digests = sha256_of_files((folder / name for name in listed), folder)
    other = [name for name in listed if digests[name] != listed[name].sha256]
    other += [name for name in used if name not in listed]
    if other:
        raise BadInput(
            f"{folder}: the release is damaged: {other[0]} is not the file in its manifest"
        )
    return PreviousRelease(folder, manifest, sha256_of_file(folder / FILE))

"""The release that a version follows: which one it is, and whether it is as it was made."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from builders.errors import BadInput
from builders.release.ledgers import reading
from builders.release.plan import Earlier
from builders.release.splits import SPLITS, split_hash
from builders.run import sha256_of

Version = tuple[int, int, int]

_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)", re.ASCII)
_KEYS = ["name", "version", "schema_version", "configs", "files"]
_ROWS = 4096


def parse_version(version: str) -> Version:
    """The three numbers of a semantic version without suffixes; BadInput where it is none."""
    if not (found := _VERSION.fullmatch(version)):
        raise BadInput(f"version {version!r}: write it as X.Y.Z, such as 1.0.0, without a 'v'")
    major, minor, patch = map(int, found.groups())
    return major, minor, patch


@dataclass(frozen=True)
class Parent:
    """A release on disk, with its manifest and the hash of that file."""

    folder: Path
    manifest: Mapping[str, Any]
    manifest_sha256: str

    @property
    def version(self) -> str:
        return self.manifest["version"]

    def files(self, config: str, split: str) -> list[Path]:
        facts = self.manifest["configs"].get(config, {}).get(split, {"files": []})
        return [self.folder / path for path in facts["files"]]

    def schema(self, config: str) -> pa.Schema:
        path = next(path for split in SPLITS for path in self.files(config, split))
        with reading(path):
            return pq.read_schema(path)

    def earlier(self) -> Earlier:
        """The order of its ids, and hashes of the instructions that are in its train."""
        ids, trained = [], []
        for split in SPLITS:
            for table in read_tables(self.files("ledger", split), ["id", "instruction"]):
                ids += table["id"].chunks
                if split == "train":
                    trained += map(split_hash, table["instruction"].to_pylist())
        return Earlier(
            pa.chunked_array(ids, pa.string()).combine_chunks(), np.array(trained, np.uint64)
        )


def read_tables(files: Sequence[Path], columns: list[str] | None = None) -> Iterator[pa.Table]:
    """The rows of `files`, some thousand at a time; BadInput where one cannot be read."""
    for path in files:
        with reading(path), pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS, columns=columns):
                yield pa.Table.from_batches([batch])


def find_parent(
    out: Path, name: str, version: str, given: Path | Literal["none"] | None = None
) -> Parent | None:
    """The release that `version` of `name` follows: the latest in `out`, or `given`.

    BadInput where `version` is not higher than all that are there, or the parent is damaged.
    """
    wanted = parse_version(version)
    existing = {
        parse_version(folder.name[len(name) + 2 :]): folder
        for folder in out.glob(f"{name}@v*")
        if _VERSION.fullmatch(folder.name[len(name) + 2 :])
    }
    if wanted in existing:
        raise BadInput(
            f"{existing[wanted]}: this release exists and is never changed; choose a new version"
        )
    if existing and wanted < max(existing):
        raise BadInput(
            f"version {version}: {existing[max(existing)]} is there already, and versions go up"
        )
    if given == "none" or (given is None and not existing):
        return None
    parent = open_release(existing[max(existing)] if given is None else Path(given))
    if parent.manifest["name"] != name:
        raise BadInput(f"{parent.folder}: a release of {parent.manifest['name']}, not of {name}")
    if parse_version(parent.version) >= wanted:
        raise BadInput(f"version {version}: its parent is {parent.version}, and versions go up")
    return parent


def open_release(folder: Path) -> Parent:
    """The release in `folder`; BadInput unless its files are those that its manifest lists."""
    path = folder / "manifest.json"
    try:
        text = path.read_bytes()
        manifest = json.loads(text)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: not a release's manifest ({error})") from None
    missing = [key for key in _KEYS if not isinstance(manifest, dict) or key not in manifest]
    if missing:
        raise BadInput(f"{path}: the keys {', '.join(missing)} are missing")
    try:
        listed = {name: facts["sha256"] for name, facts in manifest["files"].items()}
        used = [
            name
            for splits in manifest["configs"].values()
            for facts in splits.values()
            for name in facts["files"]
        ]
        manifest["configs"]["ledger"]
    except (AttributeError, KeyError, TypeError):
        raise BadInput(f"{path}: its configs or files are not those of a release") from None
    absent = [name for name in [*listed, *used] if not (folder / name).is_file()]
    if absent:
        raise BadInput(f"{folder}: the release is damaged: {absent[0]} is missing")
    found = sha256_of((folder / name for name in listed), folder)
    wrong = [name for name in listed if found[name] != listed[name]]
    if wrong or not set(used) <= set(listed):
        raise BadInput(
            f"{folder}: the release is damaged: {wrong[0] if wrong else used[0]} is not the file "
            "that its manifest lists"
        )
    return Parent(folder, manifest, hashlib.sha256(text).hexdigest())

"""What a release changes over its parent, read off the files of both, and the version it needs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import xxhash

from builders.errors import BadInput
from builders.release.configs import Config
from builders.release.digests import row_digests
from builders.release.facts import Written
from builders.release.parent import Parent, Version, parse_version, read_tables
from builders.release.splits import SPLITS

LEVELS = ("patch", "minor", "major")
KINDS = ("added", "removed", "changed", "moved")
_EXAMPLES = 3


@dataclass
class SplitChanges:
    """Rows by what became of them, and the ids of a few.

    All rows of an id count as changed where one of them is. `moved` are those that were in the
    other split of the parent, whether or not they also changed; they are not removed there.
    """

    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    examples: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def add(self, kind: str, row_id: str, rows: int) -> None:
        self.rows[kind] += rows
        if len(self.examples[kind]) < _EXAMPLES:
            self.examples[kind].append(row_id)

    def __bool__(self) -> bool:
        return any(self.rows.values())


@dataclass(frozen=True)
class Changes:
    """`schema` are sentences on what breaks a reader's code; `rows` is by config and split."""

    schema: list[str]
    rows: Mapping[tuple[str, str], SplitChanges]

    @property
    def level(self) -> str:
        if self.schema:
            return "major"
        return "minor" if any(self.rows.values()) else "patch"

    @property
    def reason(self) -> str:
        if self.schema:
            return self.schema[0]
        for (config, split), changes in self.rows.items():
            for kind, rows in changes.rows.items():
                if rows:
                    were = "row was" if rows == 1 else "rows were"
                    return f"in {config}/{split}, {rows:,} {were} {kind}"
        return "only the card can differ"


def changes_since(
    parent: Parent, configs: Sequence[Config], written: Written, schema_version: str
) -> Changes:
    """All differences; what is held is 16 bytes and an id for each id of one config."""
    schema = list(_schema_changes(parent, configs, written, schema_version))
    rows: dict[tuple[str, str], SplitChanges] = {}
    names = [config.name for config in configs if config.name in written]
    for name in dict.fromkeys([*names, *parent.manifest["configs"]]):
        made = written.get(name, {})
        files = {split: made[split].files if split in made else () for split in SPLITS}
        before = {split: parent.files(name, split) for split in SPLITS}
        found = row_changes(before, files)
        rows.update({(name, split): changes for split, changes in found.items()})
    return Changes(schema, rows)


def _schema_changes(
    parent: Parent, configs: Sequence[Config], written: Written, schema_version: str
) -> Iterator[str]:
    if parent.manifest["schema_version"] != schema_version:
        yield f"the schema was {parent.manifest['schema_version']} and is {schema_version}"
    features = {config.name: config.features for config in configs}
    for name in parent.manifest["configs"]:
        if name not in written:
            yield f"the config {name} is gone"
        elif not parent.schema(name).equals(features[name].arrow_schema):
            yield f"the columns of the config {name} are others"


def row_changes(
    before: Mapping[str, Sequence[Path]], after: Mapping[str, Sequence[Path]]
) -> dict[str, SplitChanges]:
    """What became of one config's rows, by split; the files are of its splits."""
    changes = {split: SplitChanges() for split in SPLITS}
    known = {
        row_id: (split, rows, digest)
        for split in SPLITS
        for row_id, rows, digest in _by_id(before[split])
    }
    for split in SPLITS:
        for row_id, rows, digest in _by_id(after[split]):
            was = known.pop(row_id, None)
            if was is None:
                changes[split].add("added", row_id, rows)
            elif was[0] != split:
                changes[split].add("moved", row_id, rows)
            elif was[2] != digest:
                changes[split].add("changed", row_id, rows)
    for row_id, (split, rows, _) in known.items():
        changes[split].add("removed", row_id, rows)
    return changes


def _by_id(files: Sequence[Path]) -> Iterator[tuple[str, int, bytes]]:
    """Each id, how many rows it has and a digest of them; its rows follow each other."""

    def rows() -> Iterator[tuple[str, bytes]]:
        for table in read_tables(files):
            yield from zip(table["id"].to_pylist(), row_digests(table), strict=True)

    for row_id, found in groupby(rows(), key=lambda row: row[0]):
        digests = [digest for _, digest in found]
        yield row_id, len(digests), xxhash.xxh3_128_digest(b"".join(digests))


def check_version(parent: Parent, version: str, changes: Changes) -> None:
    """BadInput unless `version` is as much higher than its parent's as the changes ask for."""
    before, given = parse_version(parent.version), parse_version(version)
    if given < (least := next_version(before, changes.level)):
        raise BadInput(
            f"version {version}: since {parent.version} {changes.reason}; that is a "
            f"{changes.level} change and needs at least {'.'.join(map(str, least))}"
        )


def next_version(version: Version, level: str) -> Version:
    major, minor, patch = version
    return {
        "major": (major + 1, 0, 0),
        "minor": (major, minor + 1, 0),
        "patch": (major, minor, patch + 1),
    }[level]


def other_changes(before: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    """Sentences on what else differs from the parent's manifest: licence, recipes, models."""
    said = []
    if before.get("licence") != facts["licence"]:
        said.append(f"The licence was {before.get('licence')} and is {facts['licence']}.")
    said += _compared("recipes (SHA-256)", _recipes(before), _recipes(facts))
    said += _compared("models", _models(before), _models(facts))
    return said


def _recipes(facts: Mapping[str, Any]) -> list[str]:
    runs = facts.get("runs") or [{"recipe_sha256": facts.get("recipe_sha256")}]
    return [str(run["recipe_sha256"])[:12] for run in runs]


def _models(facts: Mapping[str, Any]) -> list[str]:
    return [f"{block['step']}: {block['model']}" for block in facts.get("models", [])]


def _compared(name: str, before: Iterable[str], after: Iterable[str]) -> Iterator[str]:
    old, new = dict.fromkeys(before), dict.fromkeys(after)
    if added := [value for value in new if value not in old]:
        yield f"New {name}: {', '.join(added)}."
    if gone := [value for value in old if value not in new]:
        yield f"No longer there of the {name}: {', '.join(gone)}."

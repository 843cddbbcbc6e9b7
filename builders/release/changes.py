"""What a release changes over the previous one, by the files of both, and the version it needs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pyarrow as pa

from builders.errors import BadInput
from builders.manifest import Manifest
from builders.release.configs import ROW_TYPES, Config
from builders.release.digests import DIGEST_BYTES, row_digests
from builders.release.previous import PreviousRelease, read_files
from builders.release.splits import SPLITS
from builders.release.write import Written
from builders.rows.row_type import RowType
from builders.versions import next_version, parse_version
from builders.wording import counted

KINDS = ("added", "removed", "changed", "moved")
_EXAMPLES = 3


@dataclass
class SplitChanges:
    """Rows by kind of change, and the ids of a few.

    An id may have several rows, as where two runs have the same instruction: only those that differ
    count. `moved` rows were in the other split of the previous release, changed or not; they are
    not counted as removed there.
    """

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    examples: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def add(self, kind: str, row_id: str, rows: int) -> None:
        if not rows:
            return
        self.counts[kind] += rows
        if len(self.examples[kind]) < _EXAMPLES:
            self.examples[kind].append(row_id)

    def __bool__(self) -> bool:
        return any(self.counts.values())


@dataclass(frozen=True)
class Changes:
    """`schema` has a phrase for each change that breaks a reader's code, `additions` for others.

    `rows` is by config and split.
    """

    schema: list[str]
    additions: list[str]
    rows: Mapping[tuple[str, str], SplitChanges]

    @property
    def level(self) -> str:
        if self.schema:
            return "major"
        return "minor" if self.additions or any(self.rows.values()) else "patch"

    @property
    def reason(self) -> str:
        """A phrase on one change of this level."""
        if self.schema:
            return self.schema[0]
        for (config, split), changes in self.rows.items():
            for kind, rows in changes.counts.items():
                if rows:
                    were = "row was" if rows == 1 else "rows were"
                    return f"in {config}/{split}, {rows:,} {were} {kind}"
        if self.additions:
            return self.additions[0]
        return "only the card can differ"


def changes_since(
    previous: PreviousRelease, configs: Sequence[Config], written: Written, schema_version: str
) -> Changes:
    """All differences. Memory holds 16 bytes and an id for each id of one config at a time."""
    schema, additions = _schema_changes(previous, configs, written, schema_version)
    rows: dict[tuple[str, str], SplitChanges] = {}
    names = [config.name for config in configs if config.name in written]
    for name in dict.fromkeys([*names, *previous.manifest.configs]):
        splits = written.get(name, {})
        after = {split: splits[split].files if split in splits else () for split in SPLITS}
        before = {split: previous.files(name, split) for split in SPLITS}
        changed = row_changes(before, after, ROW_TYPES.get(name))
        rows.update({(name, split): changes for split, changes in changed.items()})
    return Changes(schema, additions, rows)


def _schema_changes(
    previous: PreviousRelease, configs: Sequence[Config], written: Written, schema_version: str
) -> tuple[list[str], list[str]]:
    """A phrase for each change that breaks a reader's code, and for each one that does not."""
    breaking, additions = [], []
    before = previous.manifest.schema_version
    if before != schema_version:
        same_major = before.partition(".")[0] == schema_version.partition(".")[0]
        kind = additions if same_major else breaking
        kind.append(f"the schema was {before} and is {schema_version}")
    features = {config.name: config.features for config in configs}
    for name in previous.manifest.configs:
        if name not in written:
            breaking.append(f"the config {name} is gone")
            continue
        was, now = previous.schema(name), features[name].arrow_schema
        if was.equals(now):
            continue
        new = [one.name for one in now if one.name not in was.names]
        if was.equals(pa.schema([one for one in now if one.name in was.names])):
            columns = counted(len(new), "new column", "new columns")
            additions.append(f"the config {name} has {columns}: {', '.join(new)}")
        else:
            breaking.append(f"the config {name} has other columns")
    return breaking, additions


def row_changes(
    before: Mapping[str, Sequence[Path]],
    after: Mapping[str, Sequence[Path]],
    rows: RowType | None = None,
) -> dict[str, SplitChanges]:
    """The changes of one config's rows, by split, given the files of each split.

    Rows of schema 1.x that differ only in names of columns are equal.
    """
    changes = {split: SplitChanges() for split in SPLITS}
    known = {
        row_id: (split, digests)
        for split in SPLITS
        for row_id, digests in _by_id(before[split], rows)
    }
    for split in SPLITS:
        for row_id, digests in _by_id(after[split], rows):
            was_in, earlier = known.pop(row_id, (split, b""))
            if was_in != split:
                old, new = _count(earlier), _count(digests)
                changes[split].add("moved", row_id, min(old, new))
            elif earlier == digests:
                continue
            else:
                old, new = _unlike(earlier, digests)
                changes[split].add("changed", row_id, min(old, new))
            changes[split].add("added", row_id, max(0, new - old))
            changes[was_in].add("removed", row_id, max(0, old - new))
    for row_id, (split, digests) in known.items():
        changes[split].add("removed", row_id, _count(digests))
    return changes


def _by_id(files: Sequence[Path], rows: RowType | None) -> Iterator[tuple[str, bytes]]:
    """Each id and the digests of its rows in order, joined; the rows of an id are together."""

    def digested() -> Iterator[tuple[str, bytes]]:
        for table in read_files(files, rows):
            yield from zip(table["id"].to_pylist(), row_digests(table), strict=True)

    for row_id, same_id in groupby(digested(), key=itemgetter(0)):
        yield row_id, b"".join(sorted(digest for _, digest in same_id))


def _count(digests: bytes) -> int:
    return len(digests) // DIGEST_BYTES


def _unlike(before: bytes, after: bytes) -> tuple[int, int]:
    """How many rows of an id are only in the first, and how many only in the second."""
    old, new = (
        Counter(one[at : at + DIGEST_BYTES] for at in range(0, len(one), DIGEST_BYTES))
        for one in (before, after)
    )
    return (old - new).total(), (new - old).total()


def check_version(previous: PreviousRelease, version: str, changes: Changes) -> None:
    """BadInput unless `version` is as far above the previous one as the changes require."""
    least = next_version(parse_version(previous.version), changes.level)
    if parse_version(version) < least:
        raise BadInput(
            f"version {version}: since {previous.version} {changes.reason}; that is a "
            f"{changes.level} change and needs at least {'.'.join(map(str, least))}"
        )


def other_changes(before: Manifest, after: Manifest) -> list[str]:
    """Sentences on what else differs: name, license, recipes and models."""
    sentences = []
    if before.name != after.name:
        sentences.append(f"The name was {before.name} and is {after.name}.")
    if (was := before.terms) != (now := after.terms):
        sentences.append(f"The license was {was} and is {now}.")
    sentences += _compared("recipes (SHA-256)", _recipes(before), _recipes(after))
    sentences += _compared("models", _models(before), _models(after))
    return sentences


def _recipes(manifest: Manifest) -> list[str]:
    hashes = [run.recipe_sha256 for run in manifest.runs] or [manifest.recipe_sha256]
    return [str(digest)[:12] for digest in hashes]


def _models(manifest: Manifest) -> list[str]:
    return [f"{model.step}: {model.model}" for model in manifest.models]


def _compared(name: str, before: Iterable[str], after: Iterable[str]) -> Iterator[str]:
    old, new = dict.fromkeys(before), dict.fromkeys(after)
    if added := [value for value in new if value not in old]:
        yield f"New {name}: {', '.join(added)}."
    if gone := [value for value in old if value not in new]:
        yield f"{name[0].upper()}{name[1:]} no longer used: {', '.join(gone)}."

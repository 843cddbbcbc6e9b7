"""The reviews that a release takes up: read, and held against what they are reviews of."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from builders.errors import BadInput
from builders.release.parent import Parent, open_release, parse_version, read_tables
from builders.release.runs import CompleteRun
from builders.release.splits import SPLITS
from builders.release.verdicts import Row, can_be_asked
from builders.require import InvalidRow
from builders.review.counted import Verdict, checked
from builders.review.folder import Review, digest_of
from builders.schema import validate_ledger_row

# What tells whether a row is the one that people were asked about.
ASKED_COLUMNS = ["id", "status", "reason", "draft", "critique", "refinement"]


@dataclass(frozen=True)
class Opinions:
    """A review's verdicts and corrections, all valid.

    `corrections` are ledger rows by the id of the row that they correct. `run` is the number of
    the run that was reviewed. Where it was a release, `contents` has a digest of each row that was
    asked about, by id.
    """

    folder: Path
    design: Row
    verdicts: list[Verdict]
    corrections: Mapping[str, Row]
    run: int | None
    contents: Mapping[str, bytes]


def read_reviews(
    reviews: Sequence[Review],
    runs: Sequence[CompleteRun],
    *,
    name: str,
    version: str,
    out: Path,
    parent: Parent | None,
) -> list[Opinions]:
    """The reviews, each of one of `runs` or of an earlier version of the release `name`.

    Earlier versions are looked for in `out`, and where the review was made. BadInput where a
    review is of anything else, has no verdict, or has a row that cannot be.
    """
    folders: set[Path] = set()
    for review in reviews:
        if (folder := review.folder.resolve()) in folders:
            raise BadInput(f"{review.folder}: this review is given twice")
        folders.add(folder)
    found = []
    for review in reviews:
        verdicts = _verdicts(review)
        ids = {row["id"] for row in verdicts}
        run, contents = None, {}
        if review.facts["source"]["kind"] == "run":
            run = _reviewed_run(review, runs)
        else:
            contents = _contents(_reviewed_release(review, name, version, out, parent), ids)
            if missing := sorted(ids - contents.keys()):
                raise BadInput(
                    f"{review.folder}: row {missing[0]} is not one of {review.source.name}"
                )
        corrections = _corrections(review, ids)
        found.append(Opinions(review.folder, _design(review), verdicts, corrections, run, contents))
    # In whatever order they are given, the release is the same.
    return _apart(sorted(found, key=lambda one: json.dumps(one.design, sort_keys=True)))


def _verdicts(review: Review) -> list[Verdict]:
    path = review.folder / "verdicts.parquet"
    try:
        verdicts = checked(review.verdicts())
    except InvalidRow as error:
        raise BadInput(f"{path}: {error}") from None
    if not verdicts:
        raise BadInput(
            f"{review.folder}: no verdict was pulled; `srt review pull {review.folder}` does it"
        )
    keys = ("id", "inclusion_probability", "calibration")
    drawn = {row["record"]: tuple(row[key] for key in keys) for row in review.drawn()}
    for row in verdicts:
        if drawn.get(row["record"]) != tuple(row[key] for key in keys):
            raise BadInput(f"{path}: record {row['record']} is not as this review has drawn it")
    return verdicts


def _corrections(review: Review, ids: set[str]) -> dict[str, Row]:
    path, found = review.folder / "corrections.parquet", {}
    for row in review.corrections():
        corrects = row.pop("corrects")
        try:
            validate_ledger_row(row)
        except InvalidRow as error:
            raise BadInput(f"{path}: row {row['id']}: {error}") from None
        if corrects not in ids or corrects in found:
            what = "two corrections" if corrects in found else "a correction and no verdict"
            raise BadInput(f"{path}: row {corrects} has {what}")
        found[corrects] = row
    return found


def _reviewed_run(review: Review, runs: Sequence[CompleteRun]) -> int:
    for number, (run, _) in enumerate(runs):
        if digest_of(run.folder) == review.facts["source"]["digest"]:
            return number
    given = {run.folder.resolve() for run, _ in runs}
    changed = " as it is now" if review.source.resolve() in given else ""
    raise BadInput(
        f"{review.folder}: a review of the run {review.source}, which is none of the runs "
        f"given{changed}"
    )


def _reviewed_release(
    review: Review, name: str, version: str, out: Path, parent: Parent | None
) -> Parent:
    digest = review.facts["source"]["digest"]
    if parent is not None and parent.manifest_sha256 == digest:
        return parent
    for folder in (*sorted(out.glob(f"{name}@v*")), review.source):
        if (folder / "manifest.json").is_file() and digest_of(folder) == digest:
            found = open_release(folder)
            earlier = parse_version(found.version) < parse_version(version)
            if found.manifest["name"] == name and earlier:
                return found
    raise BadInput(
        f"{review.folder}: a review of the release {review.source}, and no earlier version of "
        f"{name} in {out} is that"
    )


def _contents(release: Parent, ids: Iterable[str]) -> dict[str, bytes]:
    """A digest of the row of each id that people were asked about: the kept one, if there is."""
    wanted, found = pa.array(sorted(ids)), {}
    for split in SPLITS:
        for table in read_tables(release.files("ledger", split), ASKED_COLUMNS):
            for row in table.filter(pc.is_in(table["id"], wanted)).to_pylist():
                if can_be_asked(row):
                    # A release has the kept row of an id before the others.
                    found.setdefault(row["id"], content_of(row))
    return found


def content_of(row: Mapping[str, Any]) -> bytes:
    """A digest of what people see of a row."""
    texts = [row["draft"], row["critique"], row["refinement"]]
    return xxhash.xxh3_128_digest(json.dumps(texts, sort_keys=True).encode())


def _design(review: Review) -> Row:
    """What a release says of how a review was made: nothing of servers, folders or people."""
    source = review.facts["source"]
    keys = ("name", "strategy", "seed", "sample", "overlap", "calibration", "assisted")
    return {
        "source": {key: source[key] for key in ("kind", "name", "version")},
        **{key: review.facts[key] for key in keys},
    }


def _apart(opinions: list[Opinions]) -> list[Opinions]:
    """The reviews with keys of records that are not those of other records.

    The same record of two reviews is one, with the annotators of both; an annotator who is in
    both has answered it twice.
    """
    records: dict[str, tuple[Any, ...]] = {}
    answered: dict[tuple[str, str], Path] = {}
    found = []
    for one in opinions:
        verdicts = []
        for row in one.verdicts:
            facts = (row["id"], row["inclusion_probability"], row["calibration"])
            if records.get(row["record"], facts) != facts:
                row = {**row, "record": _own_key(one, row["record"])}
            records[row["record"]] = facts
            key = (row["record"], row["annotator"])
            if (first := answered.setdefault(key, one.folder)) != one.folder:
                raise BadInput(
                    f"{one.folder}: annotator {key[1]} has a verdict on record {key[0]} in "
                    f"{first} too; the two are copies of one review"
                )
            verdicts.append(row)
        found.append(replace(one, verdicts=verdicts))
    return found


def _own_key(opinions: Opinions, record: str) -> str:
    said = json.dumps([opinions.design, record], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]

"""The reviews that a release takes up: read, and bound to the run or release they are about."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from builders.errors import BadInput
from builders.release.previous import PreviousRelease, open_release, read_files
from builders.release.reviews.people import (
    common_key,
    names_under,
    renamed,
    renamed_correction,
)
from builders.release.runs import CompleteRun
from builders.release.splits import SPLITS
from builders.review.collected import imported_files
from builders.review.folder import Review, digest_of
from builders.review.reviewable import is_reviewable
from builders.review.standing import is_scored, standing_row
from builders.review.verdicts import Verdict, valid_verdicts
from builders.rows import InvalidRow, Row
from builders.rows.schema import LEDGER_ROWS, validate_ledger_row
from builders.versions import parse_version

# What tells whether a row is the one that annotators were shown.
SHOWN_COLUMNS = ["id", "status", "reason", "draft", "critique", "refinement"]


@dataclass(frozen=True)
class ReleaseReview:
    """The verdicts and corrections of a review, all valid.

    `corrections` are ledger rows, by the id of the row that each corrects. `run` is the number of
    the run that was reviewed. If a release was reviewed instead, `contents` has the
    `content_digest` of each row that was shown, by id.
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
    previous: PreviousRelease | None,
) -> list[ReleaseReview]:
    """Read reviews, each of one of `runs` or of an earlier version of the release `name`.

    Earlier versions are looked for in `out` and where the review was made. The result does not
    depend on the order of `reviews`. A person whom several reviews know has one pseudonym.
    BadInput if a review is of something else, has no verdicts, or has an invalid row.
    """
    folders: set[Path] = set()
    for review in reviews:
        if (folder := review.folder.resolve()) in folders:
            raise BadInput(f"{review.folder}: this review is given twice")
        folders.add(folder)
    read = []
    reviews = sorted(reviews, key=lambda review: json.dumps(_design(review), sort_keys=True))
    key = common_key([review.folder for review in reviews]) if len(reviews) > 1 else None
    for review in reviews:
        people = names_under(key, review.folder)
        verdicts = [renamed(row, people) for row in _verdicts(review)]
        ids = {row["id"] for row in verdicts}
        run, contents = None, {}
        if review.facts.source.kind == "run":
            run = _reviewed_run(review, runs)
        else:
            release = _reviewed_release(review, name, version, out, previous)
            contents = _contents(release, ids)
            if missing := sorted(ids - contents.keys()):
                raise BadInput(
                    f"{review.folder}: row {missing[0]} is not one of {review.source.name}"
                )
        corrections = {
            corrects: renamed_correction(row, people)
            for corrects, row in _corrections(review, ids).items()
        }
        design = _design(review)
        read.append(ReleaseReview(review.folder, design, verdicts, corrections, run, contents))
    return _with_distinct_records(read)


def _verdicts(review: Review) -> list[Verdict]:
    path = review.folder / "verdicts.parquet"
    try:
        verdicts = valid_verdicts(review.included_verdicts())
    except InvalidRow as error:
        raise BadInput(f"{path}: {error}") from None
    if not verdicts and review.exclusions():
        raise BadInput(f"{review.folder}: everybody with a verdict is left out")
    if not verdicts:
        raise BadInput(f"{review.folder}: no verdicts yet; get them with `{review.next_command}`")
    drawn = {row["record"]: row for row in review.drawn()}
    for row in verdicts:
        if row["record"] not in drawn or not _is_as_drawn(row, drawn[row["record"]]):
            raise BadInput(f"{path}: record {row['record']} is not as this review drew it")
    return verdicts


def _is_as_drawn(verdict: Verdict, drawn: Row) -> bool:
    """Whether a verdict says of its draw what was drawn; before schema 2.0 it lacked the strata."""
    same = ("id", "inclusion_probability", "calibration")
    return all(verdict[key] == drawn[key] for key in same) and all(
        verdict[key] in (None, drawn[key]) for key in ("stratum", "stratum_rows")
    )


def _corrections(review: Review, ids: set[str]) -> dict[str, Row]:
    path, corrections = review.folder / "corrections.parquet", {}
    for row in review.corrections():
        corrects = row.pop("corrects")
        try:
            validate_ledger_row(row)
        except InvalidRow as error:
            raise BadInput(f"{path}: row {row['id']}: {error}") from None
        if corrects not in ids:
            raise BadInput(f"{path}: row {corrects} has a correction and no verdict")
        if corrects in corrections:
            raise BadInput(f"{path}: row {corrects} has two corrections")
        corrections[corrects] = row
    return corrections


def _reviewed_run(review: Review, runs: Sequence[CompleteRun]) -> int:
    for number, (run, _) in enumerate(runs):
        if digest_of(run.folder) == review.facts.source.digest:
            return number
    folders = {run.folder.resolve() for run, _ in runs}
    changed = " as it is now" if review.source.resolve() in folders else ""
    raise BadInput(
        f"{review.folder}: a review of the run {review.source}, which is none of the runs "
        f"given{changed}"
    )


def _reviewed_release(
    review: Review, name: str, version: str, out: Path, previous: PreviousRelease | None
) -> PreviousRelease:
    digest = review.facts.source.digest
    if previous is not None and previous.manifest_sha256 == digest:
        return previous
    names = {name}
    if previous is not None:
        # Before it was renamed, it had another one.
        names |= {previous.manifest.name, previous.manifest.parent_name or name}
    folders = [folder for one in sorted(names) for folder in sorted(out.glob(f"{one}@v*"))]
    for folder in (*folders, review.source):
        if (folder / "manifest.json").is_file() and digest_of(folder) == digest:
            release = open_release(folder)
            is_earlier = parse_version(release.version) < parse_version(version)
            if release.manifest.name in names and is_earlier:
                return release
    raise BadInput(
        f"{review.folder}: a review of the release {review.source}, which is no earlier version "
        f"of {name} in {out}"
    )


def _contents(release: PreviousRelease, ids: Iterable[str]) -> dict[str, bytes]:
    """The `content_digest` of the row that annotators were shown of each id.

    It is the kept one, or if there is none, the one that was dropped for its margin.
    """
    wanted, contents = pa.array(sorted(ids), pa.string()), {}
    for split in SPLITS:
        tables = read_files(release.files("ledger", split), LEDGER_ROWS, SHOWN_COLUMNS)
        rows = (
            row
            for table in tables
            for row in table.filter(pc.is_in(table["id"], wanted)).to_pylist()
            if is_scored(row) and is_reviewable(row)
        )
        # The rows of an id follow each other in a release.
        for row_id, same_id in groupby(rows, key=itemgetter("id")):
            if (row := standing_row(list(same_id))) is not None:
                contents[row_id] = content_digest(row)
    return contents


def content_digest(row: Mapping[str, Any]) -> bytes:
    """A digest of what annotators see of a row."""
    texts = [row["draft"], row["critique"], row["refinement"]]
    return xxhash.xxh3_128_digest(json.dumps(texts, sort_keys=True).encode())


def _design(review: Review) -> Row:
    """What a release says about how a review was made: no servers, folders or people.

    `files` is there if verdicts are from files, and `excluded` if somebody was left out: how many
    verdicts each had, and why.
    """
    facts = review.facts.model_dump()
    excluded = review.exclusions()
    keys = ("name", "rows", "strategy", "seed", "sample", "overlap", "calibration", "assisted")
    return {
        "source": {key: facts["source"][key] for key in ("kind", "name", "version")},
        **{key: facts[key] for key in keys},
        **({"files": files} if (files := imported_files(review)) else {}),
        **({"excluded": excluded} if excluded else {}),
    }


def _with_distinct_records(reviews: Sequence[ReleaseReview]) -> list[ReleaseReview]:
    """The reviews, in which a record has one key and no two records share one.

    The same record in two reviews is one record, with the annotators of both. BadInput if an
    annotator has a verdict on it in both: then one review is a copy of the other.
    """
    records: dict[str, tuple[Any, ...]] = {}
    answered: dict[tuple[str, str], Path] = {}
    distinct = []
    for review in reviews:
        verdicts = []
        for row in review.verdicts:
            drawn = (row["id"], row["inclusion_probability"], row["calibration"])
            if records.get(row["record"], drawn) != drawn:
                row = {**row, "record": _own_key(review, row["record"])}
            records[row["record"]] = drawn
            key = (row["record"], row["annotator"])
            if (first := answered.setdefault(key, review.folder)) != review.folder:
                raise BadInput(
                    f"{review.folder}: annotator {key[1]} has a verdict on record {key[0]} in "
                    f"{first} too; the two are copies of one review"
                )
            verdicts.append(row)
        distinct.append(replace(review, verdicts=verdicts))
    return distinct


def _own_key(review: ReleaseReview, record: str) -> str:
    text = json.dumps([review.design, record], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

"""A review's verdicts from a server and from files, written as one table."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from builders.errors import BadInput
from builders.review.corrections import corrections
from builders.review.folder import CORRECTIONS, Review, write_rows
from builders.review.people import read_people, reasons_excluded
from builders.review.responses import with_texts, without_unchanged_texts
from builders.review.source import SHOWN, reviewed_source
from builders.review.verdicts import Verdict
from builders.rows import Row
from builders.rows.schema import VERDICTS

# Verdicts by record and annotator.
Verdicts = Mapping[tuple[str, str], Row]


@dataclass(frozen=True)
class Collected:
    """How many verdicts and corrections a review has."""

    verdicts: int
    corrections: int


def by_place(verdicts: Iterable[Verdict]) -> dict[tuple[str, str], Row]:
    return {(row["record"], row["annotator"]): dict(row) for row in verdicts}


def not_imported(verdicts: Iterable[Verdict], imported: Verdicts) -> dict[tuple[str, str], Row]:
    """Those of a review's verdicts that no file has: they are from a server."""
    return {
        place: row
        for place, row in by_place(verdicts).items()
        if place not in imported or imported[place]["submitted_at"] != row["submitted_at"]
    }


def merged(pulled: Verdicts, imported: Verdicts) -> dict[tuple[str, str], Row]:
    """All verdicts; the later one where a person has answered a record in both places."""
    both = dict(pulled)
    for place, row in imported.items():
        if place not in both or both[place]["submitted_at"] <= row["submitted_at"]:
            both[place] = {name: row[name] for name in VERDICTS}
    return both


def imported_files(review: Review) -> list[Row]:
    """The files that the review's verdicts are from: {name, digest, verdicts} of each."""
    verdicts = by_place(review.included_verdicts())
    counts = Counter(
        (row["file"], row["file_digest"])
        for place, row in by_place(review.imported()).items()
        if place in verdicts and verdicts[place]["submitted_at"] == row["submitted_at"]
    )
    return [
        {"name": name, "digest": digest, "verdicts": count}
        for (name, digest), count in sorted(counts.items())
    ]


def write_verdicts(
    review: Review, verdicts: Verdicts, *, excluded: Container[str] | None = None
) -> Collected:
    """Write verdicts.parquet and corrections.parquet; BadInput if a corrected row is missing.

    `excluded` are the annotators who are left out, by default those of the folder: their verdicts
    are written, and their texts correct nothing.
    """
    if excluded is None:
        excluded = reasons_excluded(read_people(review.folder))
    rows = [verdicts[place] for place in sorted(verdicts)]
    originals: dict[str, Row] = {}
    if ids := with_texts(rows):
        source = reviewed_source(review).rows(review.facts.rows, SHOWN)
        originals = {row["id"]: row for row in source if row["id"] in ids}
        if missing := ids - originals.keys():
            raise BadInput(f"{review.source}: the row {min(missing)} is missing")
        rows = without_unchanged_texts(rows, originals)
    corrected = corrections([row for row in rows if row["annotator"] not in excluded], originals)
    write_rows(review.folder / "verdicts.parquet", rows, VERDICTS)
    write_rows(review.folder / "corrections.parquet", corrected, CORRECTIONS)
    return Collected(len(rows), len(corrected))

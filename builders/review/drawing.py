"""Beginning a review: its rows are drawn and its folder is written, with or without a server."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builders.errors import BadInput
from builders.files.lock import locked
from builders.progress import Progress
from builders.review.folder import (
    DRAWN,
    FACTS,
    REVIEW_SCHEMA,
    REVIEWS,
    UNFINISHED,
    Review,
    ReviewFacts,
    SourceReference,
    open_review,
    read_facts,
    write_facts,
    write_rows,
)
from builders.review.sampling import Design, draw
from builders.review.source import ReviewedSource
from builders.review.statistics.design import effective_sample
from builders.rows import Row
from builders.rows.read import read_rows
from builders.rows.schema import DRAWN_ROWS
from builders.wording import counted

# Rows read between two reports of progress.
_REPORT_EVERY = 1000
# Where a review is on a server. Which rows are drawn does not depend on it.
_ON_A_SERVER = ("url", "workspace", "datasets")


@dataclass(frozen=True)
class DrawOptions:
    """What the user asked for; `out` is the review's folder, by default `reviews/NAME`."""

    sample: int = 200
    strategy: str = "stratified"
    seed: int = 0
    overlap: int = 3
    calibration: int = 0
    assisted: bool = False
    out: Path | None = None

    def folder(self, source: ReviewedSource) -> Path:
        return self.out or REVIEWS / source.path.resolve().name


def draw_review(
    source: ReviewedSource, options: DrawOptions, progress: Progress | None = None
) -> Review:
    """Begin a review of `source` that is on no server; the same call again changes nothing.

    BadInput if the folder holds another review, or nothing can be reviewed.
    """
    folder = options.folder(source)
    facts = facts_of(source, options, folder)
    existing_facts(folder, facts, anywhere=True)
    drawn = drawn_rows(folder, source, facts, progress)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        # Another process may have drawn or pushed it since.
        if existing_facts(folder, facts, anywhere=True) is None:
            write_rows(folder / "drawn.parquet", drawn, DRAWN)
            write_facts(folder / FACTS, facts)
    return open_review(folder)


def facts_of(source: ReviewedSource, options: DrawOptions, folder: Path) -> ReviewFacts:
    """The review.json of a review that is on no server."""
    return ReviewFacts(
        schema_=REVIEW_SCHEMA,
        name=folder.resolve().name,
        source=SourceReference(
            kind=source.kind,
            path=Path(os.path.relpath(source.path.resolve(), folder.resolve())).as_posix(),
            name=source.name,
            version=source.version,
            digest=source.digest,
        ),
        stage=source.stage,
        # A correction of a row that the filter dropped would change nothing.
        rows="scored" if source.has("scored") and not options.assisted else "kept",
        strategy=options.strategy,
        seed=options.seed,
        sample=options.sample,
        overlap=options.overlap,
        calibration=options.calibration,
        assisted=options.assisted,
    )


def existing_facts(
    folder: Path, wanted: ReviewFacts, *, anywhere: bool = False
) -> ReviewFacts | None:
    """The facts of the review in the folder, of its push if one began; None if it has no review.

    BadInput if it is another review than `wanted`. `anywhere`: it may be on any server.
    """
    path = next((folder / name for name in (UNFINISHED, FACTS) if (folder / name).exists()), None)
    if path is None:
        return None
    existing = read_facts(path)
    if different := _differences(existing, wanted, anywhere=anywhere or existing.url is None):
        raise BadInput(
            f"{folder} is a review that was {'pushed' if existing.url else 'drawn'} with another "
            f"{', '.join(different)}; begin a new one in another folder with --out"
        )
    return existing


def _differences(existing: ReviewFacts, wanted: ReviewFacts, *, anywhere: bool) -> list[str]:
    """The keys in which two reviews differ, with the existing value. The source may have moved."""
    old, new = existing.model_dump(), wanted.model_dump()
    ignored = ("schema_", "rows", "source", "datasets", *(_ON_A_SERVER if anywhere else ()))
    compared = [key for key in old if key not in ignored]
    different = [f"{key} ({old[key]!r})" for key in compared if old[key] != new[key]]
    # The name of the calibration dataset follows from it.
    if not anywhere and existing.datasets.sample != wanted.datasets.sample:
        different.append(f"dataset ({existing.datasets.sample!r})")
    if existing.source.digest != wanted.source.digest:
        different.append(f"source ({existing.source.name!r})")
    return different


def sample_notes(facts: ReviewFacts, drawn: Sequence[Row]) -> Iterator[str]:
    """What the user should know of the sample: that it is small, or what it is worth.

    Rows of an assisted review are in no figure.
    """
    sampled = [row for row in drawn if not row["calibration"]]
    if len(sampled) < facts.sample:
        number = counted(len(sampled), "row")
        yield f"--sample {facts.sample}: only {number} can be reviewed, and all were drawn"
        return
    strata = {row["stratum"]: row for row in sampled}.values()
    if not facts.assisted and all(row["stratum_rows"] for row in strata):
        sizes = [row["stratum_rows"] for row in strata]
        shares = [row["inclusion_probability"] * row["stratum_rows"] for row in strata]
        effective = round(effective_sample(sizes, shares) * len(sampled) / sum(shares))
        yield (
            f"{facts.strategy}: {counted(len(sampled), 'row counts', 'rows count')} as about "
            f"{effective:,} for figures of all rows"
        )


def drawn_rows(
    folder: Path, source: ReviewedSource, facts: ReviewFacts, progress: Progress | None
) -> Sequence[Row]:
    """The rows that were drawn for the review in the folder, or else those of `facts`."""
    path = folder / "drawn.parquet"
    if path.exists() and any((folder / name).exists() for name in (FACTS, UNFINISHED)):
        return list(read_rows(path, DRAWN_ROWS))

    companions = source.companions()
    led = {other for others in companions.values() for other in others}

    def rows() -> Iterator[Row]:
        for number, row in enumerate(source.rows(facts.rows), start=1):
            if row["id"] not in led:
                yield row
            if progress and number % _REPORT_EVERY == 0:
                progress("drawing", number)

    design = Design(
        review=facts.name,
        source=source.digest,
        rows=facts.rows,
        strategy=facts.strategy,
        seed=facts.seed,
        sample=facts.sample,
        calibration=facts.calibration,
        assisted=facts.assisted,
    )
    return draw(rows, design, companions)

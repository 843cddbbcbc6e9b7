"""The review folder `reviews/NAME/`: which rows were drawn, and what annotators answered.

`draw` and `push` write the rows drawn and then `review.json`; once that names a server, everything
is there. `pull` and `import` write verdicts and corrections. Which row a record is about and what
was shown first is taken from `drawn.parquet`, never from the server or the file.
"""

import hashlib
import json
import os
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Literal, Self, TypedDict

import pyarrow as pa
from datasets import Features
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from builders.errors import BadInput, first_problem
from builders.files.atomic import write_json
from builders.files.hashes import sha256_of_file
from builders.files.parquet import write_parquet
from builders.ledger.manifest import read_run_manifest
from builders.review.people import read_people, reasons_excluded
from builders.rows import Row
from builders.rows.read import read_rows
from builders.rows.schema import CORRECTION_ROWS, DRAWN_ROWS, IMPORTED_ROWS, VERDICT_ROWS

# 1.1: `stratum_rows` in drawn.parquet. 1.2: `rows` in review.json.
REVIEW_SCHEMA = "1.2"
_READABLE = ("1.0", "1.1", REVIEW_SCHEMA)
REVIEWS = Path("reviews")
FACTS, UNFINISHED = "review.json", "push.json"
# What a folder of an evaluation has: its result, and the pairs that people can be asked about.
EVALUATION, PAIRS = "evaluate.json", "pairs.parquet"
# Verdicts that were pulled from datasets that are no longer on the server.
EARLIER = "earlier.parquet"

# Which rows a sample was drawn from: all that were scored, or only those that were kept.
Population = Literal["scored", "kept"]
DRAWN, CORRECTIONS = DRAWN_ROWS.features, CORRECTION_ROWS.features
IMPORTED = IMPORTED_ROWS.features


class _StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


class SourceReference(_StrictModel):
    """`path` is relative to the review folder; `digest` is that of `digest_of`."""

    kind: Literal["run", "release", "evaluation"]
    path: str
    name: str
    version: str | None
    digest: str


class DatasetNames(_StrictModel):
    sample: str
    calibration: str | None


class ReviewFacts(_StrictModel):
    """The contents of review.json: no key and no password.

    `rows` is the population that the sample was drawn from; before 1.2, it was always kept rows.
    `url`, `workspace` and `datasets` are None until the sample is on a server.
    """

    # A field named `schema` would hide a method of pydantic's.
    schema_: str = Field(alias="schema")
    name: str
    source: SourceReference
    stage: int
    rows: Population = "kept"
    strategy: str
    seed: int
    sample: int
    overlap: int
    calibration: int
    assisted: bool
    url: str | None = None
    workspace: str | None = None
    datasets: DatasetNames | None = None

    @model_validator(mode="after")
    def _check_server(self) -> Self:
        missing = [key for key in ("url", "workspace", "datasets") if getattr(self, key) is None]
        if len(missing) not in (0, 3):
            raise ValueError(f"{' and '.join(missing)}: missing, though the sample is on a server")
        return self


class Exclusion(TypedDict):
    """What may be published of an annotator who is left out."""

    verdicts: int
    reason: str


@dataclass(frozen=True)
class Review:
    """A review whose rows were drawn."""

    folder: Path
    facts: ReviewFacts

    @property
    def source(self) -> Path:
        """The run, release or evaluation that the rows are from."""
        return Path(os.path.normpath(self.folder / self.facts.source.path))

    @property
    def next_command(self) -> str:
        """The command that gets people's answers."""
        folder = shlex.quote(str(self.folder))
        return f"srt review pull {folder}" if self.facts.url else f"srt review import {folder} FILE"

    def check_pushed(self) -> None:
        """BadInput if the sample is on no server."""
        if self.facts.url is None:
            raise BadInput(
                f"{self.folder}: the sample is on no server; `srt review push` puts it there, and "
                "`srt review import` reads answers from a file"
            )

    def drawn(self) -> list[Row]:
        return list(read_rows(self.folder / "drawn.parquet", DRAWN_ROWS))

    def verdicts(self) -> list[Row]:
        """The verdicts as of the last pull or import; empty before the first."""
        path = self.folder / "verdicts.parquet"
        return list(read_rows(path, VERDICT_ROWS)) if path.exists() else []

    def imported(self) -> list[Row]:
        """The verdicts that were read from files, with the columns IMPORTED."""
        path = self.folder / "imported.parquet"
        return list(read_rows(path, IMPORTED_ROWS)) if path.exists() else []

    def earlier(self) -> list[Row]:
        """The verdicts that were pulled from datasets that are no longer on the server."""
        path = self.folder / EARLIER
        return list(read_rows(path, VERDICT_ROWS)) if path.exists() else []

    def included_verdicts(self) -> list[Row]:
        """The verdicts of everybody who is not left out."""
        excluded = reasons_excluded(read_people(self.folder))
        return [row for row in self.verdicts() if row["annotator"] not in excluded]

    def exclusions(self) -> list[Exclusion]:
        """What may be published of everybody who is left out: {verdicts, reason}."""
        counts = Counter(row["annotator"] for row in self.verdicts())
        return sorted(
            (
                {"verdicts": counts[annotator], "reason": reason}
                for annotator, reason in reasons_excluded(read_people(self.folder)).items()
                if counts[annotator]
            ),
            key=itemgetter("reason", "verdicts"),
        )

    def corrections(self) -> list[Row]:
        """The corrections of everybody who is not left out, with the columns CORRECTIONS."""
        path = self.folder / "corrections.parquet"
        return list(read_rows(path, CORRECTION_ROWS)) if path.exists() else []


def review_folder(path: Path) -> Path:
    """`path` if it is a review, or the default folder for a review of the run or release `path`."""
    is_review = (path / FACTS).exists() or (path / UNFINISHED).exists()
    if is_review or not any((path / name).exists() for name in ("manifest.json", EVALUATION)):
        return path
    return REVIEWS / path.resolve().name


def open_review(path: Path) -> Review:
    """The review in `path`, or the review of the run or release in `path`.

    BadInput if there is none, its push was interrupted, or it is a review of another run of the
    same name.
    """
    folder = review_folder(path)
    if not (folder / FACTS).exists():
        if (folder / UNFINISHED).exists():
            raise BadInput(
                f"{folder}: the push was interrupted; the same `srt review push` command resumes it"
            )
        hint = f"; `srt review push {path}` starts one" if folder != path else ""
        raise BadInput(f"{folder}: not a review (it has no {FACTS}){hint}")
    review = Review(folder, read_facts(folder / FACTS))
    if folder != path and digest_of(path) != review.facts.source.digest:
        raise BadInput(f"{folder} is a review of {review.source}, not of {path} as it is now")
    return review


def sibling_reviews(review: Review) -> Iterator[Review]:
    """The other reviews in the folder that holds `review`, if they are on the same server."""
    folder = review.folder.resolve()
    for path in sorted(folder.parent.glob(f"*/{FACTS}")):
        if path.parent == folder:
            continue
        try:
            facts = read_facts(path)
        except BadInput:
            # That of a later version, or damaged: its own commands say so.
            continue
        if facts.url == review.facts.url:
            yield Review(path.parent, facts)


def read_facts(path: Path) -> ReviewFacts:
    """The contents of a review.json; BadInput if it is malformed."""
    try:
        facts = ReviewFacts.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadInput(f"{path}: not the facts of a review ({first_problem(error)})") from None
    if facts.schema_ not in _READABLE:
        raise BadInput(
            f"{path}: written with schema {facts.schema_}; this version reads "
            f"{' and '.join(_READABLE)}"
        )
    return facts


def write_facts(path: Path, facts: ReviewFacts) -> None:
    """Write facts as `read_facts` reads them, atomically."""
    write_json(path, facts.model_dump(by_alias=True))


def digest_of(source: Path) -> str:
    """A digest that changes if the rows of a run or release change, or the pairs of an evaluation.

    For a release, the SHA-256 of its manifest.json, which has a hash of every file. For a run, the
    SHA-256 of these hashes alone, since its manifest may get other settings for releases later.
    """
    if (source / PAIRS).is_file():
        return sha256_of_file(source / PAIRS)
    path = source / "manifest.json"
    if not (source / "recipe.yaml").is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    files = read_run_manifest(path).files
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def write_rows(path: Path, rows: Iterable[Mapping[str, object]], features: Features) -> None:
    """Write `rows` as parquet, atomically."""
    table = pa.Table.from_pylist(list(rows), schema=features.arrow_schema)
    write_parquet(path, table)

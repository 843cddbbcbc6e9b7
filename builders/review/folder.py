"""The review folder `reviews/NAME/`: what was asked, of whom, and what they answered.

`push` writes the rows drawn and, last, `review.json`: where it exists, everything is on the
server. `pull` writes verdicts and corrections. What the server sends back is never believed about
which row a record is of, or what was shown first: `drawn.parquet` says that.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features, Value
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builders.atomic import atomic_file
from builders.errors import BadInput
from builders.run import write_json
from builders.schema import LEDGER, VERDICTS

REVIEW_SCHEMA = "1.0"
REVIEWS = Path("reviews")
FACTS, UNFINISHED = "review.json", "push.json"

# One row for each record. `record` is the review's own key, and the record's external id on the
# server; `id` is the ledger row's. `order` is one of ORDERS.
DRAWN = Features(
    {
        "record": Value("string"),
        "id": Value("string"),
        "order": Value("string"),
        "stratum": Value("string"),
        "inclusion_probability": Value("float64"),
        "calibration": Value("bool"),
    }
)
# A ledger row made of what people corrected; `corrects` is the id of the row it can replace.
CORRECTIONS = Features({"corrects": Value("string"), **LEDGER})


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SourceFacts(_Facts):
    """`path` is relative to the review folder; `digest` as `digest_of` has it."""

    kind: Literal["run", "release"]
    path: str
    name: str
    version: str | None
    digest: str


class DatasetNames(_Facts):
    sample: str
    calibration: str | None


class ReviewFacts(_Facts):
    """What review.json says; no key and no password."""

    # A field called `schema` would hide one of pydantic's own.
    schema_: str = Field(alias="schema")
    name: str
    source: SourceFacts
    stage: int
    strategy: str
    seed: int
    sample: int
    overlap: int
    calibration: int
    assisted: bool
    url: str
    workspace: str
    datasets: DatasetNames


@dataclass(frozen=True)
class Review:
    """A review that was pushed; `facts` as `ReviewFacts` has them."""

    folder: Path
    facts: Mapping[str, Any]

    @property
    def source(self) -> Path:
        """The run or release that the rows are of."""
        return Path(os.path.normpath(self.folder / self.facts["source"]["path"]))

    def drawn(self) -> list[dict[str, Any]]:
        return read_rows(self.folder / "drawn.parquet", DRAWN)

    def verdicts(self) -> list[dict[str, Any]]:
        """Those of the last pull; none where nothing was pulled."""
        return _read_if_there(self.folder / "verdicts.parquet", VERDICTS)

    def corrections(self) -> list[dict[str, Any]]:
        """Those of the last pull, as CORRECTIONS has them."""
        return _read_if_there(self.folder / "corrections.parquet", CORRECTIONS)


def review_folder(path: Path) -> Path:
    """`path`, or where the review of the run or release `path` is by default."""
    is_review = (path / FACTS).exists() or (path / UNFINISHED).exists()
    if is_review or not (path / "manifest.json").exists():
        return path
    return REVIEWS / path.resolve().name


def open_review(path: Path) -> Review:
    """The review in `path`, or that of the run or release `path`; BadInput where it has none.

    So is one whose push was not completed, and the review of another run of that name.
    """
    folder = review_folder(path)
    if not (folder / FACTS).exists():
        if (folder / UNFINISHED).exists():
            raise BadInput(
                f"{folder}: its push was not completed; the same `srt review push` command does it"
            )
        hint = f"; `srt review push {path}` begins one" if folder != path else ""
        raise BadInput(f"{folder}: not a review (it has no {FACTS}){hint}")
    review = Review(folder, read_facts(folder / FACTS))
    if folder != path and digest_of(path) != review.facts["source"]["digest"]:
        raise BadInput(f"{folder} is the review of {review.source}, and not of {path} as it is now")
    return review


def read_facts(path: Path) -> dict[str, Any]:
    """What a review.json says; BadInput where it says anything else."""
    try:
        facts = ReviewFacts.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BadInput(f"{path}: not the facts of a review ({where}: {first['msg']})") from None
    if facts.schema_ != REVIEW_SCHEMA:
        raise BadInput(
            f"{path}: written with schema {facts.schema_}, and this version reads {REVIEW_SCHEMA}"
        )
    return facts.model_dump(by_alias=True)


def write_facts(path: Path, facts: Mapping[str, Any]) -> None:
    """Write facts as `read_facts` reads them, atomically."""
    write_json(path, ReviewFacts.model_validate(facts).model_dump(by_alias=True))


def digest_of(source: Path) -> str:
    """What is another one where the rows of a run or a release are others.

    Of a release the SHA-256 of its manifest.json, which has the hash of every file; of a run that
    of the hashes alone, since its recipe may say something else of releases later.
    """
    manifest = (source / "manifest.json").read_bytes()
    if (source / "recipe.yaml").is_file():
        manifest = json.dumps(json.loads(manifest)["files"], sort_keys=True).encode()
    return hashlib.sha256(manifest).hexdigest()


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], features: Features) -> None:
    """Write `rows` as parquet, there whole or not at all."""
    table = pa.Table.from_pylist(list(rows), schema=features.arrow_schema)
    with atomic_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _read_if_there(path: Path, features: Features) -> list[dict[str, Any]]:
    return read_rows(path, features) if path.exists() else []


def read_rows(path: Path, features: Features) -> list[dict[str, Any]]:
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{path}: not parquet ({str(error).splitlines()[0]})") from None
    if not table.schema.equals(features.arrow_schema):
        raise BadInput(f"{path}: its columns are not those of a {path.stem} file of a review")
    return table.to_pylist()

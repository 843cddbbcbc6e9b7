"""The run or release that a review is of, and its kept rows in one shape."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builders.errors import BadInput
from builders.release.columns import last_of_step
from builders.release.configs import public_name
from builders.release.ledgers import reading
from builders.release.manifest import read_manifest
from builders.review.folder import Review, digest_of
from builders.run import open_complete_run

Row = dict[str, Any]

# What says whether a row can be asked about, and what decides how likely it is to be drawn.
CANDIDATE = ("id", "source", "draft", "critique", "refinement", "draft_score", "refinement_score")
# What people are shown, what a correction takes from its original, and the models' names.
SHOWN = (*CANDIDATE, "licence", "task", "system", "instruction", "draft_model", "critic_model")

_OF_FEEDBACK = {"draft": "response", "draft_score": "response_score"}
_MODELS = {"draft_model": "draft", "critic_model": "critique"}
_ROWS = 512


@dataclass(frozen=True)
class Source:
    """`files` hold ledger rows, or rows of a `feedback` config where `feedback` is true."""

    path: Path
    kind: Literal["run", "release"]
    name: str
    version: str | None
    digest: str
    stage: int
    files: Sequence[Path]
    feedback: bool

    def rows(self, columns: Sequence[str] = CANDIDATE) -> Iterator[Row]:
        """The kept rows with `columns` of SHOWN, some hundred in memory; BadInput if damaged."""
        for path in self.files:
            with reading(path), pq.ParquetFile(path) as file:
                if missing := {*self._stored(columns)}.difference(file.schema_arrow.names):
                    raise BadInput(f"{path}: no column {min(missing)}: not of a {self.kind}")
                for batch in file.iter_batches(_ROWS, columns=self._stored(columns)):
                    table = pa.Table.from_batches([batch])
                    yield from (self._as_released if self.feedback else _as_ledger)(table, columns)

    def _stored(self, columns: Sequence[str]) -> list[str]:
        if self.feedback:
            return [_OF_FEEDBACK.get(name, name) for name in columns]
        models = any(name in _MODELS for name in columns)
        kept = [name for name in columns if name not in _MODELS]
        return [*kept, "status", *(["calls"] if models else [])]

    def _as_released(self, table: pa.Table, columns: Sequence[str]) -> list[Row]:
        return table.select(self._stored(columns)).rename_columns(list(columns)).to_pylist()


def _as_ledger(table: pa.Table, columns: Sequence[str]) -> list[Row]:
    table = table.filter(pc.equal(table["status"], "kept")).combine_chunks()
    for name, step in _MODELS.items():
        if name in columns and len(table):
            models = last_of_step(table["calls"].combine_chunks(), step, "model").to_pylist()
            public = [model and public_name(model) for model in models]
            table = table.append_column(name, pa.array(public, pa.string()))
    return table.select(columns).to_pylist() if len(table) else []


def open_source(path: Path) -> Source:
    """The run or release in `path`; BadInput where it is neither, or a run is not complete.

    Of a release with a `feedback` config (stage 1) that is read, and otherwise its ledger.
    """
    if (path / "recipe.yaml").is_file() or not (path / "manifest.json").exists():
        run, manifest = open_complete_run(path)
        kind, name, version = "run", path.resolve().name, None
        stage, files, feedback = manifest.get("stage", 1), run.parts(), False
    else:
        released = read_manifest(path)
        kind, name, version = "release", released.name, released.version
        stage, feedback = released.facts.get("stage", 1), "feedback" in released.configs
        config = "feedback" if feedback else "ledger"
        if config not in released.configs:
            raise BadInput(f"{path}: a release without feedback and ledger has nothing to review")
        splits = released.configs[config].values()
        files = [path / file for split in splits for file in split.files]
    return Source(path, kind, name, version, digest_of(path), stage, files, feedback)


def reviewed_source(review: Review) -> Source:
    """The run or release that a review is of; BadInput where it is not as it was then."""
    source = open_source(review.source)
    if source.digest != review.facts["source"]["digest"]:
        raise BadInput(f"{source.path} is not as it was when {review.folder} was pushed")
    return source

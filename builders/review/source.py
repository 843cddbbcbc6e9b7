"""The run, release or evaluation under review, and its rows in one shape.

People are asked about all scored rows: those that were kept, and those dropped for their scores
alone, as where the refinement did not score enough above the draft. On kept rows alone the critic
has by construction chosen the refinement, so they cannot tell its judgment from a constant.
(Reviews made before schema 1.2, and those for corrections, are of kept rows.)

In an evaluation, the rows are pairs: the answer of the reference as the draft and that of the model
as the refinement, without a critique. People are asked about all parts of an instruction that was
drawn, so that the difference of refinement and draft can be estimated too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from builders.errors import BadInput
from builders.ledger.run import open_complete_run
from builders.manifest import read_manifest
from builders.review.folder import EVALUATION, PAIRS, Population, Review, digest_of
from builders.review.reviewable import is_reviewable
from builders.review.standing import BY_PEOPLE, standing_row
from builders.rows import Row
from builders.rows.read import read_tables
from builders.rows.reasons import BY_SCORES
from builders.rows.row_type import RowType
from builders.rows.schema import FEEDBACK_ROWS, LEDGER_ROWS

# What `reviewable_row` reads: enough to draw a sample and to compute the figures.
REVIEWABLE = (
    "id",
    "source",
    "status",
    "draft",
    "critique",
    "refinement",
    "draft_score",
    "refinement_score",
)
# What records show, plus what a correction copies from its original.
SHOWN = (
    *REVIEWABLE,
    "license",
    "task",
    "system",
    "history",
    "instruction",
    "criteria",
)

_ROWS = 512


@dataclass(frozen=True)
class ReviewedSource:
    """A run, release or evaluation: the files of its ledger, and of the config `feedback`.

    A release has `feedback`, a ledger, or both; anything else has a ledger only.
    """

    path: Path
    kind: Literal["run", "release", "evaluation"]
    name: str
    version: str | None
    digest: str
    stage: int
    ledger: Sequence[Path]
    feedback: Sequence[Path]

    def has(self, population: Population) -> bool:
        """Whether the rows of `population` are here; a release without a ledger has kept rows."""
        return population == "kept" or self.kind != "release" or bool(self.ledger)

    def rows(self, population: Population, columns: Sequence[str] = REVIEWABLE) -> Iterator[Row]:
        """The rows of `population` with `columns` of SHOWN, a few hundred in memory.

        A release made of several runs can have several ledger rows of one id; only the one that is
        meant by the id is among the scored rows. BadInput if a file is damaged.
        """
        if population == "kept" and self.feedback:
            stored = [name for name in columns if name != "status"]
            for table in _tables(self.feedback, FEEDBACK_ROWS, stored):
                for row in table.to_pylist():
                    yield {name: row.get(name, "kept") for name in columns}
            return
        rows = self._ledger_rows(population, columns)
        if population == "scored" and self.kind == "release":
            # The rows of an id follow each other in a release.
            of_one_id = (list(group) for _, group in groupby(rows, key=itemgetter("id")))
            rows = (row for group in of_one_id if (row := standing_row(group)))
        for row in rows:
            if row["reason"] not in BY_PEOPLE:
                yield {name: row[name] for name in columns}

    def companions(self) -> dict[str, list[str]]:
        """The pairs of an evaluation that people see with another one, by the id of that one.

        It is the last of the instruction's pairs with two different answers. Empty for rows.
        """
        if self.kind != "evaluation":
            return {}
        of_item: dict[str, list[str]] = {}
        for row in self.rows("scored", ("id", "draft", "refinement", "critique")):
            if is_reviewable(row):
                of_item.setdefault(row["id"].rpartition("-")[0], []).append(row["id"])
        return {ids[-1]: ids[:-1] for ids in of_item.values()}

    def _ledger_rows(self, population: Population, columns: Sequence[str]) -> Iterator[Row]:
        """The ledger rows to choose from, with `columns`, status and reason."""
        stored = list(dict.fromkeys((*columns, "status", "reason")))
        scored = population == "scored"
        reasons = pa.array([*BY_SCORES, *BY_PEOPLE] if scored else [], pa.string())
        for table in _tables(self.ledger, LEDGER_ROWS, stored):
            is_kept = pc.equal(table["status"], "kept")
            table = table.filter(pc.or_(is_kept, pc.is_in(table["reason"], reasons)))
            yield from table.to_pylist()


def _tables(files: Iterable[Path], rows: RowType, columns: Sequence[str]) -> Iterator[pa.Table]:
    for path in files:
        yield from read_tables(path, rows, list(columns), batch_rows=_ROWS)


def open_source(path: Path) -> ReviewedSource:
    """The run, release or evaluation in `path`; BadInput if it is none, or unfinished."""
    if (path / EVALUATION).is_file():
        if not (path / PAIRS).is_file():
            raise BadInput(
                f"{path}: an evaluation of existing judgments has no answers to ask people about; "
                "`srt evaluate MODEL` keeps them"
            )
        kind, name, version, stage = "evaluation", path.resolve().name, None, 0
        ledger, feedback = [path / PAIRS], []
    elif (path / "recipe.yaml").is_file() or not (path / "manifest.json").exists():
        run, manifest = open_complete_run(path)
        kind, name, version = "run", path.resolve().name, None
        stage, ledger, feedback = manifest.stage, run.parts(), []
    else:
        released = read_manifest(path)
        kind, name, version = "release", released.name, released.version
        stage = released.stage
        ledger, feedback = (
            [
                path / file
                for split in released.configs.get(config, {}).values()
                for file in split.files
            ]
            for config in ("ledger", "feedback")
        )
        if not ledger and not feedback:
            raise BadInput(f"{path}: a release without feedback and ledger has nothing to review")
    return ReviewedSource(path, kind, name, version, digest_of(path), stage, ledger, feedback)


def reviewed_source(review: Review) -> ReviewedSource:
    """What is under review; BadInput if it has changed since the push."""
    source = open_source(review.source)
    if source.digest != review.facts.source.digest:
        raise BadInput(f"{source.path} has changed since {review.folder} was pushed")
    return source

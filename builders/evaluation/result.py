"""An evaluation on disk: `evaluate.json`, and the judgments that it was computed from.

`judgments.parquet` has one row for each answer of the model, and no text: enough to compute every
figure again.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builders.audit.statistics.clusters import Estimate
from builders.errors import BadInput, first_problem
from builders.evaluation.rows import JUDGED_ROWS
from builders.evaluation.statistics.length_control import LengthControlled
from builders.evaluation.statistics.people import CorrectedRate
from builders.evaluation.statistics.win_rate import Consistency
from builders.files.atomic import write_json
from builders.files.parquet import write_parquet
from builders.rows import Row
from builders.rows.read import read_rows

EVALUATION_SCHEMA = "1.0"
RESULT, JUDGMENTS = "evaluate.json", "judgments.parquet"


class _Recorded(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)


class Who(_Recorded):
    """A model as an evaluation names it: `fingerprint` stands for weights, prompt and sampling.

    `weights` is the SHA-256 of the training.json of a checkpoint of this project, and `trained_on`
    the release that it was trained on, as NAME@VERSION.
    """

    name: str
    weights: str | None = None
    trained_on: str | None = None
    fingerprint: str | None = None


class Instructions(_Recorded):
    """The file of the instructions; `digest` is its SHA-256."""

    name: str
    digest: str
    count: int


class People(_Recorded):
    """Whom the judge was corrected by: `verdicts` of `people`, in the review `name`.

    `judged_by` is `checker` where a program that knows the right answers stands for people.
    """

    name: str
    people: int
    verdicts: int
    judged_by: str = "people"


class Benchmark(_Recorded):
    """A benchmark that is registered on the Hub: ORG/NAME, and the task in it."""

    dataset: str
    task: str
    revision: str | None = None


class PartFigures(_Recorded):
    """One answer of the model against the reference's.

    Of `answers`, `judged` have a preference and `unreadable` none; `empty` have no text, `same` are
    the reference's own text. Lengths are means, in characters. `corrected` is None where nobody was
    asked.
    """

    answers: int
    judged: int
    unreadable: int
    empty: int
    characters: float
    reference_characters: float
    raw: Estimate
    balanced: Estimate
    length_controlled: LengthControlled
    corrected: CorrectedRate | None = None
    consistency: Consistency | None = None


class Difference(_Recorded):
    """Refinement minus draft on the same instructions, never two intervals subtracted."""

    instructions: int
    raw: Estimate
    length_controlled: Estimate
    corrected: CorrectedRate | None = None
    characters: float


class Evaluation(_Recorded):
    """The contents of evaluate.json. `parts` has the figures by `draft`, `refinement`, `answer`."""

    schema_: str = Field(alias="schema")
    made_at: datetime
    model: Who
    reference: Who
    judge: Who
    instructions: Instructions
    benchmark: Benchmark | None = None
    people: People | None = None
    parts: dict[str, PartFigures]
    difference: Difference | None = None
    unreadable: dict[str, int] = {}
    notes: list[str] = []
    cost: dict[str, Any] = {}


def write_evaluation(folder: Path, evaluation: Evaluation, judgments: Sequence[Row]) -> None:
    """Write the judgments, then evaluate.json."""
    for row in judgments:
        JUDGED_ROWS.validate(row)
    table = pa.Table.from_pylist(list(judgments), schema=JUDGED_ROWS.schema)
    write_parquet(folder / JUDGMENTS, table)
    write_json(folder / RESULT, evaluation.model_dump(mode="json", by_alias=True))


def read_evaluation(folder: Path) -> Evaluation:
    """The evaluation in `folder`; BadInput if there is none, or it cannot be read."""
    path = folder / RESULT
    if not path.is_file():
        raise BadInput(
            f"{folder}: not an evaluation (it has no {RESULT}); `srt evaluate` makes one"
        )
    try:
        evaluation = Evaluation.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadInput(f"{path}: not an evaluation ({first_problem(error)})") from None
    if evaluation.schema_ != EVALUATION_SCHEMA:
        raise BadInput(
            f"{path}: written with schema {evaluation.schema_}; this reads {EVALUATION_SCHEMA}"
        )
    return evaluation


def read_judgments(folder: Path) -> list[Row]:
    return list(read_rows(folder / JUDGMENTS, JUDGED_ROWS))

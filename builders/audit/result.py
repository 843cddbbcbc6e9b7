"""An audit on disk: `audit.json` and the scores that it was computed from.

`judgments.parquet` has one row for each judge and pair, and no text: enough to compute every
verdict again.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builders.audit.judge import JudgeFacts
from builders.audit.rows import JUDGMENT_ROWS
from builders.audit.statistics.agreement import FlipRate, JudgeAgreement
from builders.audit.statistics.bias import Bias, Premium
from builders.audit.statistics.calibration import Calibration, ScoreError
from builders.audit.statistics.clusters import Estimate
from builders.audit.statistics.paired import Comparison
from builders.audit.statistics.people import AltTest, PeopleAgreement
from builders.errors import BadInput, first_problem
from builders.files.atomic import write_json
from builders.files.parquet import write_parquet
from builders.rows import Row
from builders.rows.read import read_rows

AUDIT_SCHEMA = "1.0"
RESULT, JUDGMENTS = "audit.json", "judgments.parquet"
# From this look at a set on, choosing a model by it is training on it.
MANY_LOOKS = 11

Role = Literal["model", "against", "first audit", "control"]


class _Recorded(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)


class AuditedSet(_Recorded):
    """The set as an audit names it."""

    name: str
    digest: str
    license: str
    judged_by: Literal["people", "checker"]
    answers: str
    source: str
    frozen_at: datetime
    pairs: int
    people: int


class AuditedPairs(_Recorded):
    """Of `asked` pairs, `leaked` were in the training data; `audited` remain, `decided` by people.

    `unreadable` counts the answers of the audited pairs without a score, by reason. `contamination`
    says in a sentence what is known of the training data. `score_probability` is how likely the
    model was to give any score, on average, where its scores are expectations.
    """

    asked: int
    leaked: int
    audited: int
    decided: int
    answers: int
    unreadable: dict[str, int]
    contamination: str
    score_probability: float | None = None

    @property
    def unreadable_share(self) -> float:
        return sum(self.unreadable.values()) / self.answers if self.answers else 0.0


class Compared(_Recorded):
    """The model against another judge; `same_instrument` unless they were asked in other ways."""

    judge: JudgeFacts
    role: Role
    agreement: Estimate
    same_instrument: bool
    figures: Comparison


class AuditSettings(_Recorded):
    margin: float = 0.05
    alpha: float = 0.05


class Audit(_Recorded):
    """The contents of audit.json.

    `attributes` counts the pairs in which one answer has an attribute; `bias` has a figure for each
    of these. `controls` are the judges that the model's taste is compared with.
    """

    schema_: str = Field(alias="schema")
    made_at: datetime
    look: int
    set: AuditedSet
    model: JudgeFacts
    controls: list[JudgeFacts]
    settings: AuditSettings
    pairs: AuditedPairs
    agreement: JudgeAgreement
    by_source: dict[str, Estimate]
    by_length: dict[str, Estimate]
    baselines: dict[str, Estimate]
    people: PeopleAgreement
    alt_test: AltTest
    comparisons: list[Compared]
    attributes: dict[str, int]
    bias: dict[str, Bias]
    premium: Premium | None
    calibration: Calibration
    scores: ScoreError
    flips: FlipRate
    cost: dict[str, Any] = {}

    @property
    def against(self) -> Compared | None:
        """The comparison that was asked for."""
        return next((one for one in self.comparisons if one.role == "against"), None)


def write_audit(folder: Path, audit: Audit, judgments: Sequence[Row]) -> None:
    """Write the judgments, then audit.json."""
    table = pa.Table.from_pylist(list(judgments), schema=JUDGMENT_ROWS.schema)
    write_parquet(folder / JUDGMENTS, table)
    write_json(folder / RESULT, audit.model_dump(mode="json", by_alias=True))


def read_audit(folder: Path) -> Audit:
    """The audit in `folder`; BadInput if there is none, or it cannot be read."""
    path = folder / RESULT
    if not path.is_file():
        raise BadInput(f"{folder}: not an audit (it has no {RESULT}); `srt audit run` makes one")
    try:
        audit = Audit.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadInput(f"{path}: not an audit ({first_problem(error)})") from None
    if audit.schema_ != AUDIT_SCHEMA:
        raise BadInput(f"{path}: written with schema {audit.schema_}; this reads {AUDIT_SCHEMA}")
    return audit


def read_judgments(folder: Path) -> list[Row]:
    return list(read_rows(folder / JUDGMENTS, JUDGMENT_ROWS))


def audits_of(folder: Path) -> list[tuple[Path, Audit]]:
    """The complete audits of the set in `folder`, the first one first."""
    found = [
        (path.parent, read_audit(path.parent)) for path in (folder / "audits").glob(f"*/{RESULT}")
    ]
    return sorted(found, key=lambda item: (item[1].made_at, item[1].look, item[0].name))

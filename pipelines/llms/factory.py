"""From a recipe's model blocks to the objects that call those models.

A new kind is a subclass of `ChatLLM`, a block in `pipelines.recipe.recipe` and a case here.
"""

import os

from builders.errors import BadInput
from pipelines.llms.base import ChatLLM
from pipelines.llms.budget import Account, Budget
from pipelines.llms.store import CompletionStore
from pipelines.recipe.models import AnyModel, Price

# Keys of a block that the pipeline uses itself.
_PIPELINE_KEYS = {"kind", "system", "price", "training_sha256"}


class Models:
    """A run's LLMs: equal blocks share one object, which keeps one limit for its endpoint.

    Paid completions are kept in `store` and draw on `budget`.
    """

    def __init__(self, store: CompletionStore | None = None, budget: Budget | None = None) -> None:
        self._store = store
        self._budget = budget
        self._llms: list[tuple[AnyModel, ChatLLM]] = []

    def get(self, model: AnyModel) -> ChatLLM:
        """The unloaded LLM of a block. BadInput if its extra is not installed."""
        for block, llm in self._llms:
            if block == model:
                return llm
        llm = self._make(model)
        self._llms.append((model, llm))
        return llm

    def check(self) -> None:
        """Raise `SrtError` if a model cannot be reached; sends no paid request."""
        for _, llm in self._llms:
            llm.check()

    def _make(self, model: AnyModel) -> ChatLLM:
        llm = make_llm(model)
        self._connect(llm, model.price)
        return llm

    def _connect(self, llm: ChatLLM, price: Price | None) -> None:
        """Give an LLM the run's store and an account of its budget."""
        if self._store:
            llm.keep_in(self._store)
        if self._budget:
            prices = (price.input, price.output) if price else (0.0, 0.0)
            llm.draw_on(Account(self._budget, *prices))


def make_llm(model: AnyModel) -> ChatLLM:
    """The unloaded LLM of one block. BadInput if its extra is not installed."""
    return _class_of(model.kind)(**llm_settings(model))


def llm_settings(model: AnyModel) -> dict:
    """The keys of a block that its LLM takes."""
    return model.model_dump(exclude=_PIPELINE_KEYS)


def _class_of(kind: str) -> type[ChatLLM]:
    # Imported here, because each brings its own heavy library.
    match kind:
        case "embedded":
            from pipelines.llms.weights.local import EmbeddedLLM as LLMClass
        case "transformers":
            from pipelines.llms.weights.local import TransformersLLM as LLMClass
        case "openai":
            from pipelines.llms.endpoint.openai import OpenAILLM as LLMClass
        case "llamacpp":
            from pipelines.llms.llamacpp import LlamaCppLLM as LLMClass
        case "vllm":
            from pipelines.llms.vllm import VllmLLM as LLMClass
        case "scripted":
            # It imports a module and calls a function that the recipe names.
            if os.environ.get("SRT_SCRIPTED_MODELS") != "1":
                raise BadInput(
                    "kind: scripted calls a function of Python in place of a model, for tests; "
                    "where that is meant, set SRT_SCRIPTED_MODELS=1"
                )
            from pipelines.llms.scripted import ScriptedLLM as LLMClass
        case _:
            raise BadInput(f"kind: {kind!r} does not call a model")
    return LLMClass

"""From a recipe's model blocks to the objects that talk to those models."""

from builders.errors import BadInput
from pipelines.llms.base import ChatLLM
from pipelines.llms.budget import Account, Budget
from pipelines.llms.store import ResponseStore
from pipelines.recipe import AnyModel

# Keys that the pipeline uses itself.
_NOT_FOR_THE_LLM = {"kind", "system", "price", "training_sha256"}


class Models:
    """A run's LLMs: equal blocks get one object, which keeps to one limit of its endpoint.

    Paid answers are kept in `store`, and draw on `budget`.
    """

    def __init__(self, store: ResponseStore | None = None, budget: Budget | None = None) -> None:
        self._store = store
        self._budget = budget
        self._made: list[tuple[AnyModel, ChatLLM]] = []

    def get(self, model: AnyModel) -> ChatLLM:
        """The unloaded LLM of a block. BadInput where its extra is not installed."""
        for known, llm in self._made:
            if known == model:
                return llm
        llm = make_llm(model)
        if self._store:
            llm.keep_in(self._store)
        if self._budget:
            price = model.price
            llm.draw_on(
                Account(
                    self._budget,
                    price.input if price else 0.0,
                    price.output if price else 0.0,
                )
            )
        self._made.append((model, llm))
        return llm

    def check(self) -> None:
        """Raise `SrtError` where a model cannot be reached; nothing is paid for."""
        for _, llm in self._made:
            llm.check()


def make_llm(model: AnyModel) -> ChatLLM:
    """The unloaded LLM of one block. BadInput where its extra is not installed."""
    return _class_of(model.kind)(**model.model_dump(exclude=_NOT_FOR_THE_LLM))


def _class_of(kind: str) -> type[ChatLLM]:
    # Imported here, because each brings its own heavy library.
    match kind:
        case "embedded":
            from pipelines.llms.local import EmbeddedLLM as Chosen
        case "transformers":
            from pipelines.llms.local import TransformersLLM as Chosen
        case "openai":
            from pipelines.llms.openai import OpenAILLM as Chosen
        case "llamacpp":
            from pipelines.llms.llamacpp import LlamaCppLLM as Chosen
        case "vllm":
            from pipelines.llms.vllm import VllmLLM as Chosen
        case "scripted":
            from pipelines.llms.scripted import ScriptedLLM as Chosen
        case _:
            raise BadInput(f"kind: {kind!r} is not one that calls a model")
    return Chosen

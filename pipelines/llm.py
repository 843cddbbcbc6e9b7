"""From a recipe's model block to the class that talks to that model."""

from builders.errors import BadInput
from pipelines.llms.base import ChatLLM
from pipelines.llms.store import ResponseStore
from pipelines.recipe import AnyModel

# Keys that the pipeline uses itself.
_NOT_FOR_THE_LLM = {"kind", "system", "price"}


def make_llm(model: AnyModel, store: ResponseStore | None = None) -> ChatLLM:
    """The unloaded LLM of a model block. BadInput where its extra is not installed."""
    llm = _class_of(model.kind)(**model.model_dump(exclude=_NOT_FOR_THE_LLM))
    if store is not None:
        llm.keep_in(store)
    return llm


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

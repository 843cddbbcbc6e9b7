"""One instruction through the first two steps of stage 2: draft, critique, refinement."""

from typing import Any

from builders.errors import BadInput
from builders.rows.schema import new_ledger_row
from pipelines.generate.self_critique import SelfCritiqueTask
from pipelines.generate.tasks import DraftTask
from pipelines.llms.base import ChatLLM
from pipelines.llms.weights.local import EmbeddedLLM, TransformersLLM

_ID = "generate"


def answer(
    checkpoint: str,
    instruction: str,
    *,
    system: str | None = None,
    temperature: float = 0.0,
    seed: int = 0,
    max_new_tokens: int = 512,
) -> dict[str, Any]:
    """A ledger row with the model's draft, its critique of it and its refinement, unscored.

    `checkpoint` is a folder, a Hub name, or `embedded`. `temperature` and `seed` are those of the
    draft; the critique is greedy. `reason` says what went wrong, if anything did.
    """
    if not instruction.strip():
        raise BadInput("INSTRUCTION: it is empty")
    drafter = _model(checkpoint, temperature=temperature, max_new_tokens=max_new_tokens)
    critic = _model(checkpoint, temperature=0.0, max_new_tokens=max_new_tokens)
    row = new_ledger_row(id=_ID, instruction=instruction, system=system)
    drafter.load()
    critic.load()
    DraftTask(llm=drafter, seed=seed, keep_truncated=True).fill_in([row])
    if row["draft"] is not None:
        SelfCritiqueTask(llm=critic, seed=seed).fill_in([row])
    return row


def _model(checkpoint: str, **settings: Any) -> ChatLLM:
    if checkpoint == "embedded":
        return EmbeddedLLM(**settings)
    return TransformersLLM(model=checkpoint, **settings)

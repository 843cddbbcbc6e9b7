"""The calls, tokens and cost of a step that asks a model, before anything is sent."""

from collections.abc import Iterable

from builders.critique.prompts import Message
from pipelines.asking.asking import Asking
from pipelines.generate.estimate import CountTokens, StepEstimate, TokenRange

NOTHING = TokenRange(0, 0)


def estimate_step(
    name: str,
    asking: Asking,
    prompts: Iterable[list[Message]],
    reply: TokenRange,
    count: CountTokens,
    unwritten: TokenRange = NOTHING,
) -> StepEstimate:
    """A call for each of `prompts`, to each of which `unwritten` will be added."""
    total = StepEstimate(name, asking.name)
    for turns in prompts:
        prompt = sum(count(turn["content"]) for turn in turns)
        total.add(TokenRange(prompt, prompt).plus(unwritten), reply, asking.price)
    return total

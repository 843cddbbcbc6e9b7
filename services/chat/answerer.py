"""What the server asks for an answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

# Called with each piece of an answer as soon as it is certain, on the server's event loop.
Put = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """One answer to give. Turns are (role, text); None leaves a setting to the model."""

    turns: tuple[tuple[Literal["system", "user", "assistant"], str], ...]
    seed: int
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """A whole answer. It begins with the pieces that were put; tokens are those of all calls.

    `details` is what the reply has beside OpenAI's fields.
    """

    text: str
    finish_reason: Literal["stop", "length", "content_filter"]
    tokens_in: int
    tokens_out: int
    details: Mapping[str, Any]


class Answerer(Protocol):
    name: str

    async def answer(self, asked: Asked, put: Put | None = None) -> Answer:
        """The answer, whose pieces go to `put` before. ChatError or SrtError if there is none.

        Many run at the same time; one that is canceled ends its work.
        """

"""What goes to a model and what comes back: requests and completions, one for one."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from builders.critique.prompts import Message


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one request is sampled, instead of as its model's block says.

    None is not sent to an endpoint. `stop` are texts that end the completion, which has neither
    them nor what follows; kinds that cannot stop there generate on.
    """

    temperature: float | None
    top_p: float | None
    max_new_tokens: int
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One chat completion to make, or several `samples` of it.

    `seed` fixes the sample whatever batch the request travels in. `json_schema` asks for
    structured output; kinds that cannot constrain their decoding ignore it. Without `sampling`,
    that of the model applies.
    """

    messages: Sequence[Message]
    seed: int
    json_schema: dict[str, Any] | None = None
    samples: int = 1
    sampling: Sampling | None = None

    def only(self, samples: Sequence[int]) -> Self:
        """The request for some of its samples: sample i has the request's seed plus i."""
        if len(samples) == self.samples:
            return self
        return replace(self, seed=self.seed + samples[0], samples=len(samples))


@dataclass(frozen=True, slots=True)
class Completion:
    """The result of a request: the text, or the reason why it has none.

    `reason` is a name of `builders.rows.reasons`. `finish_reason` is "stop", "length" or
    another word of the endpoint's. `latency` is in seconds, over all attempts. `reasoning` is
    the model's thinking and `tokens_reasoning` its share of `tokens_out`; None where the
    endpoint does not report them. `seeded` is False if the request had to go without its seed.
    `estimated` names the counts that the endpoint did not report, which are the most they can be.
    """

    text: str | None
    tokens_in: int = 0
    tokens_out: int = 0
    finish_reason: str | None = None
    reason: str | None = None
    detail: str | None = None
    latency: float = 0.0
    attempts: int = 1
    failures: tuple[str, ...] = field(default=())
    reasoning: str | None = None
    tokens_reasoning: int | None = None
    seeded: bool = True
    estimated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choices:
    """Replies that differ in one place: `begin`, one of `texts`, `end`."""

    begin: str
    texts: tuple[str, ...]
    end: str


@dataclass(frozen=True, slots=True)
class Likelihoods:
    """The probability of each text, empty if there is none; they need not add up to 1.

    `completion` has no text, but the tokens and the time of the call, or the reason why there are
    no probabilities.
    """

    values: Sequence[float]
    completion: Completion

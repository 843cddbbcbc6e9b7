"""The seam between a pipeline and a model: requests in, completions out, one for one.

distilabel's own LLM classes None-fill a whole batch when one row fails; ours never raise for
a row. What went wrong with a row is in its `Completion`; only what stops the whole run (a
refused key, an endpoint that is gone) is raised, as `SrtError`.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from pipelines.dag import LLM

if TYPE_CHECKING:
    from pipelines.llms.budget import Account
    from pipelines.llms.store import ResponseStore

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """One chat completion to make, or several `samples` of it.

    `seed` fixes the sample whatever batch the request travels in. `json_schema` asks for
    structured output, and is ignored by kinds that cannot constrain their decoding.
    """

    messages: Sequence[Message]
    seed: int
    json_schema: dict[str, Any] | None = None
    samples: int = 1

    def only(self, samples: Sequence[int]) -> "Request":
        """The request for these of its samples: sample i has the seed i above the request's."""
        if len(samples) == self.samples:
            return self
        return replace(self, seed=self.seed + samples[0], samples=len(samples))


@dataclass(frozen=True, slots=True)
class Completion:
    """What came of a request: the text, or the reason why there is none.

    `reason` is a name of `builders.reasons`. `finish_reason` is "stop", "length" or whatever
    else the endpoint said. `latency` is in seconds and counts every attempt.
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


class ChatLLM(LLM):
    """A distilabel LLM whose unit of work is one request, not one batch."""

    endpoint: ClassVar[str]  # the recipe's `kind`, written to the ledger
    # How many batches a pipeline may hand over at once: 1 for a model in this process,
    # more where requests wait for a network.
    concurrent_batches: ClassVar[int] = 1

    model: str
    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_new_tokens: int = Field(default=512, ge=1)

    @property
    def model_name(self) -> str:
        return self.model

    def check(self) -> None:
        """Raise `SrtError` where a run could not even begin; asks nothing that is paid for."""

    def keep_in(self, store: "ResponseStore") -> None:
        """Take answers from `store` where it has them, and put there what is paid for.

        Models in this process cost nothing to ask again, and their weights can change under
        one name: they take no notice.
        """

    def draw_on(self, account: "Account") -> None:
        """Spend no more than `account` has; models in this process are not paid for."""

    @abstractmethod
    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Answer every request, in order. A failed one becomes a Completion with a reason."""

    def sample(self, requests: Sequence[Request]) -> list[list[Completion]]:
        """As many answers to every request as it has `samples`, in order.

        Here each is a request of its own; kinds that can, pay for the prompt only once.
        """
        singles = [
            request.only([sample]) for request in requests for sample in range(request.samples)
        ]
        completions = iter(self.complete(singles))
        return [list(islice(completions, request.samples)) for request in requests]

    def generate(self, inputs: list[list[Message]], num_generations: int = 1) -> list[dict]:
        """distilabel's batch interface, so that its stock Tasks can use these models too."""
        requests = [Request(messages, seed=0, samples=num_generations) for messages in inputs]
        return [
            {
                "generations": [completion.text for completion in group],
                "statistics": {
                    "input_tokens": [completion.tokens_in for completion in group],
                    "output_tokens": [completion.tokens_out for completion in group],
                },
            }
            for group in self.sample(requests)
        ]

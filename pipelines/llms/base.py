"""The interface of every model kind: requests in, completions out, one for one.

distilabel's own LLM classes fill a whole batch with None when one row fails; ours never raise
for a row. What went wrong with a row is in its `Completion`. Only what stops the whole run (a
refused key, an unreachable endpoint) is raised, as `SrtError`.
"""

from abc import abstractmethod
from collections.abc import Sequence
from itertools import islice
from typing import Any, ClassVar

from pydantic import Field

from pipelines.dag import LLM
from pipelines.llms.answers import read_answer
from pipelines.llms.budget import Account
from pipelines.llms.messages import Completion, Message, Request, Sampling
from pipelines.llms.store import CompletionStore


class ChatLLM(LLM):
    """A distilabel LLM whose unit of work is one request, not one batch."""

    endpoint: ClassVar[str]  # the recipe's `kind`, written to the ledger
    # How many batches a pipeline may work on at once: 1 for a model in this process,
    # more where requests wait for a network.
    concurrent_batches: ClassVar[int] = 1

    model: str
    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_new_tokens: int = Field(default=512, ge=1)
    # Values for the model's chat template.
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)

    @property
    def model_name(self) -> str:
        return self.model

    def check(self) -> None:
        """Raise `SrtError` if a run could not start; sends no paid request."""

    def keep_in(self, store: CompletionStore) -> None:
        """Take completions from `store` where it has them, and put paid ones there.

        Models in this process ignore it: asking them again is free, and their weights can
        change under one name.
        """

    def draw_on(self, account: Account) -> None:
        """Spend no more than `account` has; models in this process are free and ignore it."""

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Answer every request, in order. A failed one becomes a Completion with a reason.

        The model's thinking is apart from its answer, however the model marks it.
        """
        limits = [self.sampling_of(request).max_new_tokens for request in requests]
        completions = self._complete(requests)
        return [read_answer(*one) for one in zip(completions, limits, strict=True)]

    def sample(self, requests: Sequence[Request]) -> list[list[Completion]]:
        """All `samples` of every request, in order, as `complete` returns them."""
        limit = self.max_new_tokens
        return [[read_answer(one, limit) for one in group] for group in self._sample(requests)]

    def sampling_of(self, request: Request) -> Sampling:
        """How a request is sampled: as it says itself, or as this model's block does."""
        return request.sampling or Sampling(self.temperature, self.top_p, self.max_new_tokens)

    @abstractmethod
    def _complete(self, requests: Sequence[Request]) -> list[Completion]:
        """What the model returns for every request, in order."""

    def _sample(self, requests: Sequence[Request]) -> list[list[Completion]]:
        """What the model returns for all `samples` of every request, in order.

        Here each sample is a request of its own; kinds that can, pay for the prompt only once.
        """
        singles = [
            request.only([sample]) for request in requests for sample in range(request.samples)
        ]
        completions = iter(self._complete(singles))
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

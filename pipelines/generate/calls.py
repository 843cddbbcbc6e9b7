"""Model calls for ledger rows: the seed of each, and its record in the ledger."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from builders.critique.prompts import Message
from builders.rows.schema import CALL
from pipelines.llms.base import ChatLLM
from pipelines.llms.messages import Completion, Request
from pipelines.recipe.models import Price


@dataclass(frozen=True)
class Caller:
    """Makes the calls of a step, and records each one in its row.

    `system` is the recipe's system prompt for the step, which rows that have their own go without.
    """

    llm: ChatLLM
    seed: int
    price: Price | None = None
    system: str | None = None

    def __call__(
        self,
        rows: Sequence[dict[str, Any]],
        messages: Sequence[list[Message]],
        *,
        step: str,
        template: str | None = None,
        json_schema: dict[str, Any] | None = None,
    ) -> list[Completion]:
        """Answer one conversation for each row, and append the calls to the rows."""
        seeds = [row_seed(self.seed, row["id"], step) for row in rows]
        requests = [
            Request(conversation, seed, json_schema)
            for conversation, seed in zip(messages, seeds, strict=True)
        ]
        completions = self.llm.complete(requests)
        for row, request, completion in zip(rows, requests, completions, strict=True):
            row["calls"].append(self._record(step, template, request, completion))
        return completions

    def _record(
        self, step: str, template: str | None, request: Request, completion: Completion
    ) -> dict[str, Any]:
        sent = {"role": "system", "content": self.system} in request.messages
        return {
            "step": step,
            "model": self.llm.model_name,
            "endpoint": self.llm.endpoint,
            "template": template,
            "system": self.system if sent else None,
            "temperature": self.llm.temperature,
            "top_p": self.llm.top_p,
            "max_new_tokens": self.llm.max_new_tokens,
            "seed": request.seed if completion.seeded else None,
            **{
                name: None if name in completion.estimated else getattr(completion, name)
                for name in ("tokens_in", "tokens_out")
            },
            "tokens_reasoning": completion.tokens_reasoning,
            "cost": cost(completion, self.price),
            "latency": completion.latency,
            "attempts": completion.attempts,
            "failures": list(completion.failures),
            "finish_reason": completion.finish_reason,
            "reasoning": completion.reasoning,
        }


def row_seed(seed: int, id_: str, step: str) -> int:
    """A 31-bit seed that depends only on the run's seed, the row and the step."""
    digest = hashlib.sha256(f"{seed}\0{id_}\0{step}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def cost(completion: Completion, price: Price | None) -> float | None:
    """The cost of a call in the currency of the price; None without a price."""
    if price is None:
        return None
    tokens_in, tokens_out = completion.tokens_in, completion.tokens_out
    return (tokens_in * price.input + tokens_out * price.output) / 1e6


def unpriced_call(step: str, name: str) -> dict[str, Any]:
    """The record of a step without a model call: given drafts, the verifiable teacher."""
    return {
        **dict.fromkeys(CALL),
        "step": step,
        "model": name,
        "endpoint": name,
        "failures": [],
    }

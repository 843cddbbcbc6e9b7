"""The JSON of OpenAI's replies."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from services.chat.answerer import Answer

DONE = b"data: [DONE]\n\n"


def model_shape(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "srt"}


def usage_shape(answers: Sequence[Answer]) -> dict[str, int]:
    """The tokens of all calls for all choices."""
    tokens_in = sum(answer.tokens_in for answer in answers)
    tokens_out = sum(answer.tokens_out for answer in answers)
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
    }


def event(value: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: %b\n\n" % orjson.dumps(value)


@dataclass(frozen=True)
class Reply:
    """The fields that a reply, or all events of one, have in common."""

    model: str
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, answers: Sequence[Answer]) -> dict[str, Any]:
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", "content": answer.text, "refusal": None},
                "finish_reason": answer.finish_reason,
                "logprobs": None,
                "srt": answer.details,
            }
            for index, answer in enumerate(answers)
        ]
        usage = usage_shape(answers)
        return {**self._head("chat.completion"), "choices": choices, "usage": usage}

    def chunk(self, index: int, delta: dict[str, Any], end: Answer | None = None) -> dict[str, Any]:
        """An event of a choice; the last one has its `end`."""
        finish = end.finish_reason if end else None
        choice = {"index": index, "delta": delta, "finish_reason": finish, "logprobs": None}
        if end:
            choice["srt"] = end.details
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def last_chunk(self, answers: Sequence[Answer]) -> dict[str, Any]:
        """The event with the usage, which has no choice."""
        head = self._head("chat.completion.chunk")
        return {**head, "choices": [], "usage": usage_shape(answers)}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

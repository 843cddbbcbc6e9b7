"""A chat completion request as JSON, and what to change when an endpoint speaks a variant."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from pipelines.llms.base import Request
from pipelines.llms.http_replies import Rejected, clean, rejection_reason

_NO_SCHEMA = re.compile(
    r"response[_ ]format|json[_ ]schema|structured output|guided", re.IGNORECASE
)
_ONE_CHOICE = re.compile(r"(?<!\w)['\"`]?n['\"`]?(?!\w)|(multiple|several) (choices|completions)")


@dataclass(frozen=True, slots=True)
class ChatBody:
    """The part of every body that does not change from one request to the next."""

    model: str
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    with_schema: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    limit_field: str = "max_tokens"
    # Whether several samples may be asked for at once.
    with_n: bool = True

    def encode(self, request: Request) -> bytes:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": request.messages,
            "temperature": self.temperature,
            self.limit_field: self.max_tokens,
            "seed": request.seed,
        }
        if request.samples > 1 and self.with_n:
            body["n"] = request.samples
        if self.top_p != 1:
            body["top_p"] = self.top_p
        if self.with_schema and request.json_schema is not None:
            schema = {"name": "critique", "strict": True, "schema": request.json_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        body.update(self.extra)
        try:
            return orjson.dumps(body)
        except TypeError:
            # A lone surrogate in an instruction, or an integer of more than 64 bits.
            return clean(json.dumps(body, ensure_ascii=False)).encode()

    def changes(self, rejected: Rejected) -> dict[str, Any]:
        """Fields of this body to replace because the endpoint refused them; {} if none."""
        if rejected.status not in (400, 422) or rejection_reason(rejected):
            return {}
        said = f"{rejected.code} {rejected.message}"
        if self.limit_field == "max_tokens" and "max_completion_tokens" in said:
            return {"limit_field": "max_completion_tokens"}
        if self.with_schema and _NO_SCHEMA.search(said):
            return {"with_schema": False}
        if self.with_n and _ONE_CHOICE.search(said):
            return {"with_n": False}
        return {}

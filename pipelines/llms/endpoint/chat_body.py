"""A chat completion request as JSON, and what to change for an endpoint that refuses a field."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from pipelines.llms.endpoint.http_replies import RejectedRequest, rejection_reason
from pipelines.llms.endpoint.refused_fields import refused_field
from pipelines.llms.endpoint.text import clean
from pipelines.llms.messages import Request

_NO_SCHEMA = re.compile(
    r"response[_ ]format|json[_ ]schema|structured output|guided", re.IGNORECASE
)
# OpenAI refuses more.
MOST_STOPS = 4
_ONE_CHOICE = re.compile(r"(?<!\w)['\"`]?n['\"`]?(?!\w)|(multiple|several) (choices|completions)")


@dataclass(frozen=True, slots=True)
class ChatBody:
    """The part of a body that is the same for every request of a model."""

    model: str
    # None is not sent.
    temperature: float | None = 0.0
    top_p: float | None = 1.0
    max_tokens: int = 512
    with_schema: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    template_values: Mapping[str, Any] = field(default_factory=dict)
    limit_field: str = "max_tokens"
    # Whether one request may ask for several samples.
    with_n: bool = True
    with_seed: bool = True

    def encode(self, request: Request) -> bytes:
        body: dict[str, Any] = {"model": self.model, "messages": request.messages}
        own = request.sampling
        temperature = own.temperature if own else self.temperature
        top_p = own.top_p if own else self.top_p
        if temperature is not None:
            body["temperature"] = temperature
        body[self.limit_field] = own.max_new_tokens if own else self.max_tokens
        if own and own.stop:
            body["stop"] = own.stop[:MOST_STOPS]
        if self.with_seed:
            body["seed"] = request.seed
        if request.samples > 1 and self.with_n:
            body["n"] = request.samples
        if top_p not in (None, 1):
            body["top_p"] = top_p
        if self.with_schema and request.json_schema is not None:
            schema = {"name": "critique", "strict": True, "schema": request.json_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if self.template_values:
            body["chat_template_kwargs"] = self.template_values
        body.update(self.extra)
        try:
            return orjson.dumps(body)
        except TypeError:
            # A lone surrogate in an instruction, or an integer of more than 64 bits.
            return clean(json.dumps(body, ensure_ascii=False)).encode()

    def changes(self, rejected: RejectedRequest) -> dict[str, Any]:
        """Fields of this body to replace because the endpoint refused them; {} for other errors."""
        if rejected.status not in (400, 422) or rejection_reason(rejected):
            return {}
        words = f"{rejected.code} {rejected.message}"
        if self.limit_field == "max_tokens" and "max_completion_tokens" in words:
            return {"limit_field": "max_completion_tokens"}
        if self.with_schema and _NO_SCHEMA.search(words):
            return {"with_schema": False}
        if self.with_n and _ONE_CHOICE.search(words):
            return {"with_n": False}
        if self.with_seed and refused_field(rejected, ["seed"]):
            return {"with_seed": False}
        return {}

    def refused_key(self, rejected: RejectedRequest) -> str | None:
        """The recipe's key for a field of this body that the endpoint refuses, and what to do."""
        if rejected.status not in (400, 422) or rejection_reason(rejected):
            return None
        keys = {
            **{name: f"extra_body.{name}" for name in self.extra},
            "temperature": "temperature; null sends none",
            "top_p": "top_p; null sends none",
            self.limit_field: "max_new_tokens",
            "chat_template_kwargs": "chat_template_kwargs",
            "response_format": "structured_output",
            "model": "model",
        }
        return keys.get(refused_field(rejected, keys))

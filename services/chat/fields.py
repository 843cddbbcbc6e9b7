"""A chat completion request: what it may say, and what is said about one that is wrong."""

import secrets
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.chat.answerer import Asked
from services.chat.errors import ChatError, bad_field

# As OpenAI has it.
_MOST_CHOICES = 128
_MOST_STOPS = 16
# Endpoints take 31 bits.
_SEEDS = 2**31
_ROLES = {"developer": "system"}


class _Fields(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _TextPart(_Fields):
    type: Literal["text"]
    text: str


class _Turn(_Fields):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[_TextPart]

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content)


class _StreamOptions(_Fields):
    include_usage: bool | None = None


class ChatRequest(_Fields):
    """OpenAI's fields that this server knows; null is the same as none."""

    model: str
    messages: Annotated[list[_Turn], Field(min_length=1)]
    n: Annotated[int, Field(ge=1, le=_MOST_CHOICES)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    stop: str | Annotated[list[str], Field(max_length=_MOST_STOPS)] | None = None
    seed: int | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None

    @property
    def choices(self) -> int:
        return self.n or 1

    @property
    def with_usage(self) -> bool:
        """Whether a stream ends with the usage."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def asked(self) -> list[Asked]:
        """What each choice is asked; without a seed, each has one by chance."""
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        seed = secrets.randbelow(_SEEDS) if self.seed is None else self.seed
        turns = tuple((_ROLES.get(turn.role, turn.role), turn.text) for turn in self.messages)
        return [
            Asked(
                turns,
                (seed + number) % _SEEDS,
                self.max_completion_tokens or self.max_tokens,
                self.temperature,
                # The most probable token alone, which no share of exactly 0 holds.
                self.top_p if self.top_p != 0 else 1e-6,
                tuple(text for text in stop if text),
            )
            for number in range(self.choices)
        ]


def read_request(body: bytes) -> ChatRequest:
    """The request in a body; ChatError names the field that is wrong."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ChatError(400, f"the body is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise ChatError(400, "the body is not a JSON object")
    _refuse_unsupported(fields)
    try:
        request = ChatRequest.model_validate(fields)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        # Of a value that may have several types, the one that it is most like.
        problem = max(problems, key=lambda one: len(one["loc"]))
        param = _param_of(problem["loc"])
        raise bad_field(param, f"{param}: {problem['msg']}") from None
    if request.messages[-1].role != "user":
        param = f"messages[{len(request.messages) - 1}].role"
        raise bad_field(param, f"{param}: the last message has to be the user's")
    for number, turn in enumerate(request.messages):
        if not turn.text.strip() and turn.role not in ("system", "developer"):
            param = f"messages[{number}].content"
            raise bad_field(param, f"{param}: it is empty")
    return request


def _refuse_unsupported(fields: dict[str, Any]) -> None:
    """ChatError for a field that would change the answer and is not supported."""
    wanted = {
        **{name: fields.get(name) for name in ("tools", "functions", "logprobs", "logit_bias")},
        **{name: fields.get(name) for name in ("presence_penalty", "frequency_penalty")},
        "response_format": _format_of(fields.get("response_format")),
        "audio": fields.get("audio"),
    }
    for name, value in wanted.items():
        if value:
            raise bad_field(name, f"{name}: not supported by this server", "unsupported_value")


def _format_of(value: Any) -> Any:
    return None if isinstance(value, dict) and value.get("type") == "text" else value


def _param_of(place: Sequence[str | int]) -> str:
    """The name of a field as OpenAI writes it.

    >>> _param_of(("messages", 0, "content", "list[_TextPart]", 1, "text"))
    'messages[0].content[1].text'
    """
    name = ""
    for part in place:
        if isinstance(part, int):
            name += f"[{part}]"
        # Others are the names of the types that a value may have.
        elif not name or part in ("role", "content", "type", "text", "include_usage"):
            name += f".{part}" if name else part
    return name

"""What an HTTP reply of an endpoint means: status and body in, outcome out, no network.

Endpoints that call themselves OpenAI-compatible agree on the shape of a good reply and on
little else, so no value in a body is assumed to have the type that it should have.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import accumulate, pairwise
from typing import Any

import orjson

from pipelines.llms.budget import tokens_at_most
from pipelines.llms.endpoint.event_stream import is_event_stream, read_event_stream
from pipelines.llms.endpoint.message_text import reasoning_of, refusal_of, text_of
from pipelines.llms.endpoint.text import clean
from pipelines.llms.endpoint.token_counts import read_token_counts
from pipelines.llms.finish_reasons import fold_finish_reason
from pipelines.llms.messages import Completion

# Characters of an error's message that are kept.
MESSAGE_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """The endpoint has decided: `text`, or a `reason` (of builders.rows.reasons) instead.

    `reasoning`, `tokens_reasoning` and `estimated` are as in `Completion`.
    """

    text: str | None
    tokens_in: int = 0
    tokens_out: int = 0
    finish_reason: str | None = None
    reason: str | None = None
    detail: str | None = None
    reasoning: str | None = None
    tokens_reasoning: int | None = None
    estimated: tuple[str, ...] = ()

    def completion(
        self,
        printable: Callable[[str], str],
        *,
        latency: float,
        attempts: int,
        failures: tuple[str, ...],
        tokens_in: int,
        tokens_out: int,
        seeded: bool,
    ) -> Completion:
        """The completion after `attempts`; `tokens_in` and `tokens_out` are those of earlier
        ones. `printable` makes the endpoint's own words fit for a ledger."""
        return Completion(
            text=self.text,
            tokens_in=tokens_in + self.tokens_in,
            tokens_out=tokens_out + self.tokens_out,
            finish_reason=self.finish_reason,
            reason=self.reason,
            detail=printable(self.detail) if self.detail else None,
            latency=latency,
            attempts=attempts,
            failures=failures,
            reasoning=self.reasoning,
            tokens_reasoning=self.tokens_reasoning,
            seeded=seeded,
            estimated=self.estimated,
        )


@dataclass(frozen=True, slots=True)
class FailedRequest:
    """No answer, for a cause that may pass; `connected` is False if no server was reached."""

    failure: str
    connected: bool = True
    tokens_in: int = 0
    tokens_out: int = 0


# 424 is that of a model that failed behind a gateway.
_MAY_PASS = (408, 409, 424, 425, 429)
_BUSY = re.compile(
    r"high traffic|overloaded|server is busy|currently busy|loading model|model is loading"
    r"|try again later|temporarily",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class RejectedRequest:
    """An error status and the message of its body. `code` is its code and type in lower case."""

    status: int
    message: str
    code: str = ""
    retry_after: float | None = None
    # Of the request, where the body names them in a place of their own.
    fields: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "429" if self.status == 429 else f"HTTP {self.status}"

    @property
    def may_pass(self) -> bool:
        return self.status in _MAY_PASS or self.status >= 500 or self._is_busy

    @property
    def _is_busy(self) -> bool:
        """A status that blames the request, and words that do not."""
        return self.status in (400, 403) and _BUSY.search(self.message) is not None


RequestOutcome = AnsweredRequest | FailedRequest | RejectedRequest


def read_reply(status: int, body: bytes | None, headers: Mapping[str, str]) -> RequestOutcome:
    """The outcome of a chat completion of one sample; see `read_choices`."""
    (outcome,) = read_choices(status, body, headers)
    return outcome


def read_choices(
    status: int,
    body: bytes | None,
    headers: Mapping[str, str],
    samples: int = 1,
    prompt_bytes: int = 0,
) -> list[RequestOutcome]:
    """The outcome of each choice, of which there may be fewer than the requested `samples`.

    The outcome of the reply as a whole is that of each sample. The reply's tokens are counted
    once: the prompt's with the first choice, the answers' in proportion to their lengths,
    because endpoints report only the sum. Of a reply without counts the tokens are the most that
    its text, and a prompt of `prompt_bytes`, can have. A body of None was too large to read.
    """
    reply = _with_choices(status, body, headers)
    if not isinstance(reply, dict):
        return [reply] * samples
    choices = [_mapping(choice) for choice in reply["choices"][:samples]]
    messages = [_mapping(choice.get("message")) for choice in choices]
    prompt, answers, thinking = read_token_counts(reply)
    reasonings = [reasoning_of(message) for message in messages]
    texts = [text_of(message.get("content")) for message in messages]
    thoughts = [len(thought or "") for thought, _ in reasonings]
    lengths = [len(text or "") + thought for text, thought in zip(texts, thoughts, strict=True)]
    characters = sum(lengths)
    estimated = []
    if prompt is None:
        prompt = tokens_at_most(prompt_bytes)
        estimated.append("tokens_in")
    if answers is None:
        answers = min(characters, tokens_at_most(len(body)))
        if characters:
            estimated.append("tokens_out")
    tokens_in = [prompt] + [0] * (len(choices) - 1)
    tokens_out = [answers]
    tokens_reasoning = [thinking]
    if len(choices) > 1:
        weights = [1 + length for length in lengths]
        tokens_out = _split(tokens_out[0], weights)
        tokens_reasoning = _split(tokens_reasoning[0], thoughts if any(thoughts) else weights)
    columns = (choices, messages, texts, reasonings, tokens_in, tokens_out, tokens_reasoning)
    return [_read_choice(*values, tuple(estimated)) for values in zip(*columns, strict=True)]


def _with_choices(
    status: int, body: bytes | None, headers: Mapping[str, str]
) -> dict[str, Any] | RequestOutcome:
    """The body of a reply that has choices, or the outcome of one without."""
    if body is None:
        return AnsweredRequest(None, reason="call_failed", detail="body is too large")
    if status >= 300:
        return rejection(status, body, headers)
    if not body.strip():
        return FailedRequest("body is empty")
    if is_event_stream(body):
        body = read_event_stream(body)
    try:
        data = load_json(body)
    except ValueError:
        is_html = body.lstrip()[:1] == b"<"
        return FailedRequest("body is HTML" if is_html else "body is not JSON")
    if not isinstance(data, dict):
        return FailedRequest("body is not a JSON object")
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices or data.get("error"):
        return _without_choices(data, body)
    return data


def _split(total: int, weights: list[int]) -> list[int]:
    """Whole numbers in about the ratio of `weights` whose sum is `total`."""
    whole = sum(weights)
    ends = [total * upto // whole for upto in accumulate(weights)]
    return [end - begin for begin, end in pairwise([0, *ends])]


def load_json(body: bytes) -> Any:
    """The value of a JSON body; ValueError if it is not JSON.

    Bytes that are not UTF-8 become U+FFFD, and lone surrogates stay: `clean` replaces them.
    """
    try:
        return orjson.loads(body)
    except ValueError:
        pass
    text = body.decode("utf-8-sig", errors="replace")
    try:
        return json.loads(text, strict=False)
    except RecursionError:
        raise ValueError("nested too deep") from None


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait according to the headers, or None.

    A date is compared with the reply's own `Date`, since the two clocks may differ.
    """
    for name, unit in (("Retry-After-Ms", 0.001), ("Retry-After", 1.0)):
        value = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d*)?", value):
            return float(value) * unit
    until = _http_date(headers.get("Retry-After"))
    if until is None:
        return None
    since = _http_date(headers.get("Date")) or now or datetime.now(UTC)
    return max(0.0, (until - since).total_seconds())


_RETRY_IN = re.compile(
    r"(?:retry|try again) (?:in|after) (?P<wait>\d{1,6}(?:\.\d+)?) ?(?P<unit>ms|s)\b"
    r"|\"retryDelay\": ?\"(?P<delay>\d{1,6}(?:\.\d+)?)s\"",
    re.IGNORECASE,
)


def _retry_after_in(body: str) -> float | None:
    """Seconds to wait according to an error's words, as Google's and OpenAI's have them."""
    match = _RETRY_IN.search(body)
    if match is None:
        return None
    unit = 0.001 if (match["unit"] or "s").lower() == "ms" else 1.0
    return float(match["wait"] or match["delay"]) * unit


_CONTEXT = re.compile(
    r"context[ _](length|window|size|limit)|maximum (context|model|prompt) length"
    r"|too many tokens|(prompt|input|request) is too long|longer than the (maximum )?model"
    r"|input token count|maximum number of tokens|max_new_tokens`? must be <="
    r"|reduce the length of the messages",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content[ _](management )?(filter|policy)|was flagged|moderation|safety system", re.IGNORECASE
)


def rejection_reason(rejected: RejectedRequest) -> str | None:
    """The name in builders.rows.reasons of an error that concerns this request only, or None."""
    if rejected.status not in (400, 403, 413, 422):
        return None
    words = f"{rejected.code} {rejected.message}"
    if rejected.status != 403 and _CONTEXT.search(words):
        return "context_exceeded"
    if _FILTERED.search(words):
        return "content_filtered"
    return None


def rejection(status: int, body: bytes, headers: Mapping[str, str]) -> RejectedRequest:
    """An error reply; the message of a redirect is where it leads."""
    if 300 <= status < 400:
        return RejectedRequest(status, headers.get("Location", "nowhere"))
    wait = retry_after(headers)
    if wait is None:
        wait = _retry_after_in(body[:MESSAGE_LENGTH].decode("utf-8", errors="replace"))
    try:
        data = load_json(body)
    except ValueError:
        text = body[:MESSAGE_LENGTH].decode("utf-8", errors="replace")
        title = re.search(r"<title>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        return RejectedRequest(status, title[1] if title else text, retry_after=wait)
    message, code = _error_of(data)
    return RejectedRequest(status, message[:MESSAGE_LENGTH], code, wait, _named_fields(data))


def _named_fields(data: Any, depth: int = 0) -> tuple[str, ...]:
    """The request's fields in `param` (OpenAI), `loc` (pydantic) and `field` (Google)."""
    if depth > 5:
        return ()
    names: list[str] = []
    if isinstance(data, list):
        for item in data[:10]:
            names += _named_fields(item, depth + 1)
    elif isinstance(data, dict):
        for key in ("param", "field"):
            if isinstance(data.get(key), str):
                names.append(data[key])
        loc = data.get("loc")
        if isinstance(loc, list):
            parts = [part for part in loc if isinstance(part, str) and part != "body"]
            names += parts[:1]
        for key in ("error", "detail", "details", "message", "errors", "fieldViolations"):
            names += _named_fields(data.get(key), depth + 1)
    return tuple(dict.fromkeys(re.split(r"[.\[]", name)[0] for name in names if name))


def _error_of(data: Any) -> tuple[str, str]:
    """Message and code of an error body in any of the shapes that servers use."""
    error = data.get("error") if isinstance(data, dict) else None
    if isinstance(error, str):
        return error, ""
    fields = error if isinstance(error, dict) else data
    if not isinstance(fields, dict):
        return _as_text(fields), ""
    message = next(
        (fields[name] for name in ("message", "detail", "error", "msg") if fields.get(name)),
        fields,
    )
    codes = [fields[name] for name in ("code", "type") if isinstance(fields.get(name), str)]
    return _as_text(message), " ".join(codes).lower()


def _as_text(value: Any) -> str:
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except RecursionError:
        return ""


def _without_choices(data: dict, body: bytes) -> RequestOutcome:
    """Routers report an upstream's error with status 200, its own status in `error.code`."""
    error = data.get("error")
    if not error:
        return FailedRequest("no choices")
    if (code := _status_of(error)) is not None:
        return rejection(code, body, {})
    return FailedRequest(f"no choices: {_error_of(data)[0][:MESSAGE_LENGTH]}")


def _status_of(error: Any) -> int | None:
    """The HTTP status that an error in a body gives as its code, or None."""
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, str) and re.fullmatch("[45][0-9]{2}", code):
        code = int(code)
    return code if isinstance(code, int) and 400 <= code < 600 else None


def _read_choice(
    choice: Mapping[str, Any],
    message: Mapping[str, Any],
    text: str | None,
    thought: tuple[str | None, str | None],
    tokens_in: int,
    tokens_out: int,
    tokens_reasoning: int,
    estimated: tuple[str, ...],
) -> RequestOutcome:
    failed = partial(FailedRequest, tokens_in=tokens_in, tokens_out=tokens_out)
    if error := choice.get("error"):
        words, code = _error_of({"error": error})
        if (status := _status_of(error)) is not None:
            return RejectedRequest(status, words[:MESSAGE_LENGTH], code)
        return failed(f"error in the choice: {words[:MESSAGE_LENGTH]}")
    if not message:
        return failed("choice without a message")
    finish = choice.get("finish_reason") or choice.get("stop_reason")
    finish = fold_finish_reason(clean(finish)) if isinstance(finish, str) else None
    if finish == "error":
        return failed("finish_reason is error")
    reasoning, where = thought
    answered = partial(
        AnsweredRequest,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        finish_reason=finish,
        reasoning=clean(reasoning) if reasoning else None,
        tokens_reasoning=tokens_reasoning or None,
        estimated=estimated,
    )
    if finish == "content_filter":
        return answered(None, reason="content_filtered")
    if not text and (refusal := refusal_of(message)):
        return answered(None, reason="refusal", detail=refusal)
    # A model that only thought would do so again: this is its answer.
    if not (text or "").strip() and reasoning:
        detail = f"content is empty: all {len(reasoning):,} characters are in {where}"
        return answered("", detail=detail)
    if text is None and finish == "length":
        text = ""
    return failed("content is null") if text is None else answered(clean(text))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _http_date(value: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, IndexError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)

"""What an endpoint's HTTP reply says: status and body in, outcome out, no network.

Endpoints that call themselves OpenAI-compatible agree on the shape of a good reply and on
little else, so nothing in a body is taken to have the type that it should have.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import accumulate, pairwise
from typing import Any
from urllib.parse import quote

import orjson

# Token counts above this are nonsense, and would not fit the ledger's columns.
MAX_TOKENS = 2**31 - 1
DETAIL_LENGTH = 300
# No more of an error's message than this is looked at.
MESSAGE_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class Answered:
    """The endpoint has decided: `text`, or the `reason` (of builders.reasons) for none."""

    text: str | None
    tokens_in: int = 0
    tokens_out: int = 0
    finish_reason: str | None = None
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer, for a cause that may pass; `connected` is False if nobody was there at all."""

    failure: str
    connected: bool = True
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class Rejected:
    """An error status, with what its body says. `code` has its code and type in lower case."""

    status: int
    message: str
    code: str = ""
    retry_after: float | None = None

    @property
    def name(self) -> str:
        return "429" if self.status == 429 else f"HTTP {self.status}"

    @property
    def may_pass(self) -> bool:
        return self.status in (408, 409, 425, 429) or self.status >= 500


Outcome = Answered | Failed | Rejected


def read_reply(status: int, body: bytes | None, headers: Mapping[str, str]) -> Outcome:
    """The outcome of a chat completion of one sample; see `read_choices`."""
    (outcome,) = read_choices(status, body, headers)
    return outcome


def read_choices(
    status: int, body: bytes | None, headers: Mapping[str, str], samples: int = 1
) -> list[Outcome]:
    """The outcome of each choice, which may be fewer than the `samples` that were asked for.

    What has become of the reply as a whole has become of each of them. The reply's tokens are
    counted once in all: the prompt with the first choice, the answers by their lengths, because
    endpoints tell only the sum. A body of None was too large to be read.
    """
    choices = _choices(status, body, headers)
    if not isinstance(choices, dict):
        return [choices] * samples
    usage = choices.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    some = choices["choices"][:samples]
    tokens_in = [_count(usage.get("prompt_tokens"))] + [0] * (len(some) - 1)
    tokens_out = _split(_count(usage.get("completion_tokens")), [_length(one) for one in some])
    return [_read_choice(*one) for one in zip(some, tokens_in, tokens_out, strict=True)]


def _choices(
    status: int, body: bytes | None, headers: Mapping[str, str]
) -> dict[str, Any] | Outcome:
    """The body of a reply that has choices, or the outcome of one that has not."""
    if 300 <= status < 400:
        return Rejected(status, headers.get("Location", "nowhere"))
    if body is None:
        return Answered(None, reason="call_failed", detail="body is too large")
    if status >= 400:
        return replace(rejection(status, body), retry_after=retry_after(headers))
    if not body.strip():
        return Failed("body is empty")
    try:
        data = load_json(body)
    except ValueError:
        return Failed("body is HTML" if body.lstrip()[:1] == b"<" else "body is not JSON")
    if not isinstance(data, dict):
        return Failed("body is not a JSON object")
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices:
        return _without_choices(data, body)
    return data


def _length(choice: Any) -> int:
    """How long a choice's text is, in characters; never 0."""
    message = choice.get("message") if isinstance(choice, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    return 1 + len(_joined(content, "text") or "")


def _split(total: int, weights: list[int]) -> list[int]:
    """Whole numbers in about the ratio of `weights` whose sum is `total`."""
    whole = sum(weights)
    ends = [total * upto // whole for upto in accumulate(weights)]
    return [end - begin for begin, end in pairwise([0, *ends])]


def load_json(body: bytes) -> Any:
    """The value of a JSON body; ValueError if it is none.

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


def clean(text: str) -> str:
    """`text` with lone surrogates replaced, so that it encodes as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", "\ufffd", text)
    return text


def one_line(text: str, length: int = DETAIL_LENGTH) -> str:
    """`text` fit for a terminal line: no control characters, single spaces, cut at `length`."""
    line = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", clean(text)).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def redact(text: str, key: str | None) -> str:
    """`text` without the key, also where the endpoint encoded it or cut it short.

    A "key" of fewer than four characters is a placeholder for a server that wants none.
    """
    if not key or len(key) < 4:
        return text
    forms = {key, quote(key, safe="")}
    starts = {form[:end] for form in forms for end in range(min(len(form), 8), len(form) + 1)}
    # The longest first: what is left of a key once its beginning is gone would not be found.
    for start in sorted(starts, key=len, reverse=True):
        text = text.replace(start, "***")
    return text


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that the headers ask to wait, or None.

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


def rejection_reason(rejected: Rejected) -> str | None:
    """The name in builders.reasons for an error that is this request's own, or None."""
    if rejected.status not in (400, 403, 413, 422):
        return None
    said = f"{rejected.code} {rejected.message}"
    if rejected.status != 403 and _CONTEXT.search(said):
        return "context_exceeded"
    if _FILTERED.search(said):
        return "content_filtered"
    return None


def rejection(status: int, body: bytes) -> Rejected:
    try:
        data = load_json(body)
    except ValueError:
        text = body[:MESSAGE_LENGTH].decode("utf-8", errors="replace")
        title = re.search(r"<title>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        return Rejected(status, title[1] if title else text)
    message, code = _error_of(data)
    return Rejected(status, message[:MESSAGE_LENGTH], code)


def _error_of(data: Any) -> tuple[str, str]:
    """Message and code of an error body in any of the shapes that servers use."""
    error = data.get("error") if isinstance(data, dict) else None
    if isinstance(error, str):
        return error, ""
    fields = error if isinstance(error, dict) else data
    if not isinstance(fields, dict):
        return _as_text(fields), ""
    message = next(
        (fields[name] for name in ("message", "detail", "error") if fields.get(name)), fields
    )
    codes = [fields[name] for name in ("code", "type") if isinstance(fields.get(name), str)]
    return _as_text(message), " ".join(codes).lower()


def _as_text(value: Any) -> str:
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except RecursionError:
        return ""


def _without_choices(data: dict, body: bytes) -> Outcome:
    """Routers report an upstream's error with status 200, its own status in `error.code`."""
    error = data.get("error")
    if not error:
        return Failed("no choices")
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, int) and 400 <= code < 600:
        return rejection(code, body)
    return Failed(f"no choices: {_error_of(data)[0][:MESSAGE_LENGTH]}")


def _read_choice(choice: Any, tokens_in: int, tokens_out: int) -> Outcome:
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        return Failed("choice without a message", tokens_in=tokens_in, tokens_out=tokens_out)
    finish = choice.get("finish_reason")
    finish = clean(finish) if isinstance(finish, str) else None
    if finish == "content_filter":
        return Answered(None, tokens_in, tokens_out, finish, "content_filtered")
    if finish == "error":
        return Failed("finish_reason is error", tokens_in=tokens_in, tokens_out=tokens_out)
    content = message.get("content")
    text = _joined(content, "text")
    refusal = _joined(message.get("refusal"), "refusal") or _joined(content, "refusal")
    if not text and refusal:
        return Answered(None, tokens_in, tokens_out, finish, "refusal", refusal)
    if text is None and finish == "length":
        # A reasoning model that spent its whole allowance on thinking would do so again.
        text = ""
    if text is None:
        return Failed("content is null", tokens_in=tokens_in, tokens_out=tokens_out)
    return Answered(clean(text), tokens_in, tokens_out, finish)


def _joined(content: Any, kind: str) -> str | None:
    """A string as it is; of a list of parts, the strings under `kind`, joined."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    texts = [part.get(kind) if isinstance(part, dict) else None for part in content]
    texts = [text for text in texts if isinstance(text, str)]
    return "".join(texts) if texts else None


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 <= value <= MAX_TOKENS else 0


def _http_date(value: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, IndexError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)

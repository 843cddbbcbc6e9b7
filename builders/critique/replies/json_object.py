"""The JSON object of a reply: where it stands, and its fields.

A slip that leaves one reading is repaired: a comma after the last item, a line break in a string.
"""

import json
import re
from typing import Any, NamedTuple, Never

from builders.critique.replies.escapes import find_unmeant_escape
from builders.critique.replies.fences import FENCE_LINE, find_code
from builders.critique.replies.headings import find_headings
from builders.critique.replies.quoted import is_quoted
from builders.critique.replies.result import UnreadableReply

REFINEMENT_KEYS = ("refinement", "improved_response")
_KEYS = ("weaknesses", "suggestions", "score", *REFINEMENT_KEYS)

_START = re.compile(r"\{|\[\s*\{")
_FENCED = re.compile(
    r"^ {0,3}(?P<fence>`{3,}|~{3,})[ \t]*(?:json[c5]?)?[ \t]*\n\s*(?=\{|\[\s*\{)",
    re.MULTILINE | re.IGNORECASE,
)
_FENCE_END = re.compile(r"\s*(?:`{3,}|~{3,})[ \t]*(?:\n|\Z)")
_OUR_KEY = re.compile(rf"[{{,][\s>]*[\"'](?:{'|'.join(_KEYS)})[\"']\s*:")
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
_TRAILING_COMMA = re.compile(r'("(?:[^"\\]++|\\.)*+(?:"|\\?\Z))|,(?=\s*+[}\]])', re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SINGLE_QUOTED = re.compile(r"[{\[\s]*'")


class JsonText(NamedTuple):
    """`body` is to be one JSON object; `words` stand around the fence that it is in."""

    body: str
    words: str = ""


def find_json(text: str) -> JsonText | None:
    """The JSON of a reply that is one object, bare or in one code fence; None for other replies.

    Raises `UnreadableReply` if there are several objects, or if the one is quoted.

    >>> find_json('Here it is:\\n```json\\n{"score": 7}\\n```\\nDone.')
    JsonText(body='{"score": 7}', words='Here it is:\\nDone.')
    """
    body = text.strip()
    if _START.match(body):
        return JsonText(body)
    fenced = _FENCED.search(body) if "{" in body else None
    if fenced:
        return _from_fence(body, fenced)
    opening, _, rest = body.partition("\n")
    fence = FENCE_LINE.fullmatch(opening)
    if fence and fence[2].strip().lower() == "json":
        return JsonText(rest.removesuffix(fence[1]))
    return None


def mentions_object(text: str) -> bool:
    """Whether a reply that is not one object has an object of a critique in it."""
    return _OUR_KEY.search(text) is not None


def load_object(body: str) -> dict[str, Any]:
    """The fields of a critique. Raises `UnreadableReply`."""
    loaded = _load(body)
    if isinstance(loaded, list):
        raise _bad("a list instead of one JSON object", body)
    unknown = loaded.keys() - set(_KEYS)
    if unknown or set(REFINEMENT_KEYS) <= loaded.keys():
        raise UnreadableReply("bad_json", f"keys: {', '.join(sorted(loaded))}")
    if escape := find_unmeant_escape(body):
        raise _bad("an escape that became a control character", escape)
    return loaded


def _from_fence(body: str, fenced: re.Match[str]) -> JsonText | None:
    before, start = body[: fenced.start()], fenced.end()
    end = _end_of_object(body, start)
    if end is None:
        # It was cut, or it is not closed.
        found, after = body[start:].rstrip().removesuffix(fenced["fence"]), ""
    else:
        closing = _FENCE_END.match(body, end)
        found = body[start:end] if closing else body[start:]
        after = body[closing.end() :] if closing else ""
    words = f"{before}{after}".strip()
    if not words:
        return JsonText(found)
    if not _OUR_KEY.search(found) or _has_sections(words):
        return None
    if _OUR_KEY.search(words):
        raise _bad("two JSON objects", body)
    if "```" in words or "~~~" in words:
        raise _bad("one JSON object beside another code block", words)
    if is_quoted(before.strip(), after.strip()):
        raise _bad("one JSON object that is quoted or refused", words)
    return JsonText(found, words)


def _has_sections(text: str) -> bool:
    lines = text.split("\n")
    names = {heading.name for heading in find_headings(lines, find_code(lines)[0])}
    return not names.isdisjoint(("weaknesses", "suggestions", "improved"))


def _end_of_object(text: str, start: int) -> int | None:
    """Where the object or list that begins at `start` ends; None if it is not closed."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        if token[0] in "{[":
            depth += 1
        elif token[0] in "}]":
            depth -= 1
            if depth == 0:
                return token.end()
    return None


def _load(body: str) -> Any:
    try:
        return _loads(body)
    except (ValueError, RecursionError) as error:
        problem = str(error)
    if not _CONTROL.search(body):
        commas_removed = _TRAILING_COMMA.sub(lambda match: match[1] or "", body)
        try:
            return _loads(commas_removed, strict=False)
        except (ValueError, RecursionError):
            pass
    raise _bad(_problem_of(body) or problem, body)


def _problem_of(body: str) -> str | None:
    """What is wrong with JSON that cannot be read, where it can be said better than json does."""
    end = _end_of_object(body, 0)
    rest = body[end:].strip() if end else ""
    if rest:
        return "two JSON objects" if rest[0] in "{[" else "one JSON object with words after it"
    return "strings in single quotes" if _SINGLE_QUOTED.match(body) else None


def _bad(problem: str, quote: str) -> UnreadableReply:
    return UnreadableReply("bad_json", f"{problem}: {quote[:100]}")


def _loads(body: str, *, strict: bool = True) -> Any:
    return json.loads(
        body,
        strict=strict,
        object_pairs_hook=_without_duplicates,
        parse_int=_short_int,
        parse_constant=_refuse_constant,
    )


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("a key appears twice")
    return mapping


def _short_int(digits: str) -> int:
    if len(digits) > 18:
        raise ValueError("a number is too long to be a score")
    return int(digits)


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not valid JSON")

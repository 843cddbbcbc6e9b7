"""The verdict in a judge's reply to a comparison, or why there is none.

A reply that can be read in two ways is unreadable: a guess would favor the answer that is named
first, or last, in every pair.
"""

import json
import re
from typing import Any, Literal

from builders.critique.replies.reasoning import split_reasoning

Verdict = Literal["A", "B", "tie"]

_NAMES: dict[str, Verdict] = {"a": "A", "b": "B", "tie": "tie", "c": "tie"}
_MARKED = re.compile(r"\[\[\s*(?:response\s+)?(a|b|c|tie)\s*\]\]", re.IGNORECASE)
_LINE = re.compile(
    r"^[ \t>#*_`]{0,9}(?:final )?verdict[ *_`]{0,9}[:=][ \t*_`\"'\[(]{0,9}"
    r"(?:response\s+|answer\s+)?(a|b|tie)\b[ \t*_`\"'\]).]{0,9}$",
    re.IGNORECASE | re.MULTILINE,
)
_BARE = re.compile(
    r"[\s*_`\"'\[(]*(?:response\s+|answer\s+)?(a|b|tie)[\s*_`\"'\]).]*", re.IGNORECASE
)
# The range of verdicts, copied from the prompt.
_ECHO = re.compile(r"verdict:\s*\[\[a\]\]`?\s+if\b", re.IGNORECASE)

VERDICT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string"},
        "verdict": {"type": "string", "enum": ["A", "B", "tie"]},
    },
    "required": ["reason", "verdict"],
    "additionalProperties": False,
}


class Unreadable(Exception):
    """A reply without a verdict; the message says why, in words that are counted."""


def parse_verdict(reply: str, finish_reason: str | None = None) -> Verdict:
    """The verdict that a reply comes to; `Unreadable` if it has none, or more than one.

    >>> parse_verdict("A is wrong about the date.\\nVerdict: [[B]]")
    'B'
    """
    split = split_reasoning(reply)
    text = split.answer.strip()
    if split.is_cut or (not text and finish_reason == "length"):
        raise Unreadable("cut off before the verdict")
    if not text:
        raise Unreadable("empty reply")
    if (found := _from_json(text)) is not None:
        return found
    if _ECHO.search(text):
        raise Unreadable("the prompt repeated")
    verdicts = {_NAMES[name.lower()] for name in _MARKED.findall(text)}
    verdicts |= {_NAMES[name.lower()] for name in _LINE.findall(text)}
    if not verdicts and (bare := _BARE.fullmatch(text)):
        verdicts = {_NAMES[bare[1].lower()]}
    if len(verdicts) > 1:
        raise Unreadable("more than one verdict")
    if not verdicts:
        cut = finish_reason == "length"
        raise Unreadable("cut off before the verdict" if cut else "no verdict")
    return verdicts.pop()


def _from_json(text: str) -> Verdict | None:
    """The verdict of a JSON object, fenced or not; None if the text is none."""
    inner = re.fullmatch(r"```(?:json)?\s*(\{.*\})\s*```", text, re.DOTALL | re.IGNORECASE)
    text = inner[1] if inner else text
    if not text.startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    verdict = value.get("verdict")
    if isinstance(verdict, str) and verdict.strip().lower() in ("a", "b", "tie"):
        return _NAMES[verdict.strip().lower()]
    raise Unreadable("no verdict")


def preference(verdict: Verdict, shown: str) -> float:
    """How far the answer in this place is preferred: 1, 0, or ½ for a tie.

    >>> preference("A", "first"), preference("A", "second"), preference("tie", "first")
    (1.0, 0.0, 0.5)
    """
    if verdict == "tie":
        return 0.5
    return float((verdict == "A") == (shown == "first"))

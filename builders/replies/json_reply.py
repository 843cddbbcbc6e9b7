"""Replies that are one JSON object, as structured output gives them."""

import json
import re
from typing import Any

from builders.replies.items import drop_nothings
from builders.replies.outcome import Critique, Rejected, Review, clean
from builders.replies.refinement import judge_refinement
from builders.replies.scores import read_json_score
from builders.replies.sections import FENCE_LINE

_JSON_OBJECT = re.compile(r"\{|\[\s*\{")
_REFINEMENT_KEYS = ("refinement", "improved_response")


def find_json(text: str) -> str | None:
    """The JSON of a reply that is one object, in a code fence or not; None for other replies."""
    body = text.strip()
    if _JSON_OBJECT.match(body):
        return body
    opening, _, rest = body.partition("\n")
    fence = FENCE_LINE.fullmatch(opening)
    if not fence:
        return None
    named = fence[2].strip().lower() == "json"
    if not named and (fence[2].strip() or not _JSON_OBJECT.match(rest.lstrip())):
        return None
    return rest.removesuffix(fence[1])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("a key appears twice")
    return mapping


def _parse_int(digits: str) -> int:
    if len(digits) > 18:
        raise ValueError("a number too long to be a score")
    return int(digits)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _load_object(body: str) -> dict[str, Any]:
    try:
        loaded = json.loads(
            body,
            object_pairs_hook=_unique,
            parse_int=_parse_int,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        raise Rejected("bad_json", f"{error}: {body[:100]}") from None
    if not isinstance(loaded, dict):
        raise Rejected("bad_json", body)
    unknown = loaded.keys() - {"weaknesses", "suggestions", "score", *_REFINEMENT_KEYS}
    if unknown or set(_REFINEMENT_KEYS) <= loaded.keys():
        raise Rejected("bad_json", f"keys: {', '.join(sorted(loaded))}")
    return loaded


def _json_items(loaded: dict[str, Any], name: str) -> list[str]:
    items = loaded.get(name, [])
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise Rejected("bad_json", f"{name}: {items!r}"[:200])
    return drop_nothings([clean(item).strip() for item in items])


def _read_json(body: str) -> tuple[dict[str, Any], Critique, str | None]:
    """The object, the critique in it, and what is wrong with its score."""
    loaded = _load_object(body)
    if isinstance(loaded.get("score"), list | dict):
        raise Rejected("bad_json", f"score: {loaded['score']!r}"[:200])
    score = read_json_score(loaded.get("score"))
    weaknesses, suggestions = (_json_items(loaded, name) for name in ("weaknesses", "suggestions"))
    return loaded, Critique(weaknesses, suggestions, score.value), score.problem


def review_of_json(body: str, draft: str, finish_reason: str | None) -> Review:
    try:
        loaded, critique, problem = _read_json(body)
    except Rejected:
        if finish_reason != "length":
            raise
        begun = any(f'"{key}"' in body for key in _REFINEMENT_KEYS)
        reason = "refinement_truncated" if begun else "reply_truncated"
        raise Rejected(reason, body[-200:]) from None
    for name in ("weaknesses", "suggestions"):
        if name not in loaded:
            raise Rejected(f"{name}_missing", body)
    text = next((loaded[key] for key in _REFINEMENT_KEYS if key in loaded), None)
    if text is None:
        raise Rejected("refinement_missing", body)
    if not isinstance(text, str):
        raise Rejected("bad_json", f"refinement: {text!r}"[:200])
    refinement, no_change = judge_refinement(clean(text).strip(), draft, finish_reason)
    return Review(critique, refinement, no_change, problem)


def assessment_of_json(body: str, finish_reason: str | None) -> Review:
    try:
        _, critique, problem = _read_json(body)
    except Rejected:
        if finish_reason != "length":
            raise
        raise Rejected("reply_truncated", body[-200:]) from None
    if problem:
        raise Rejected(problem, body)
    return Review(critique, None, False, None)

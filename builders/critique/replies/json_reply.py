"""Replies that are one JSON object, as structured output returns them."""

from typing import Any

from builders.critique.replies.items import drop_nothings
from builders.critique.replies.json_object import REFINEMENT_KEYS, JsonText, load_object
from builders.critique.replies.refinement import read_refinement
from builders.critique.replies.result import Critique, ParsedReply, UnreadableReply
from builders.critique.replies.scores import Score, conflict_with_words, read_json_score
from builders.critique.replies.text import clean


def reply_from_json(found: JsonText, draft: str, finish_reason: str | None) -> ParsedReply:
    body = found.body
    try:
        loaded, critique, score_problem = _read_critique(found)
    except UnreadableReply:
        if finish_reason != "length":
            raise
        has_refinement = any(f'"{key}"' in body for key in REFINEMENT_KEYS)
        reason = "refinement_truncated" if has_refinement else "reply_truncated"
        raise UnreadableReply(reason, body[-200:]) from None
    for name in ("weaknesses", "suggestions"):
        if name not in loaded:
            raise UnreadableReply(f"{name}_missing", body)
    text = next((loaded[key] for key in REFINEMENT_KEYS if key in loaded), None)
    if text is None:
        raise UnreadableReply("refinement_missing", body)
    if not isinstance(text, str):
        raise UnreadableReply("bad_json", f"refinement: {text!r}"[:200])
    refinement, no_change = read_refinement(clean(text).strip(), draft, finish_reason)
    return ParsedReply(critique, refinement, no_change, score_problem)


def assessment_from_json(found: JsonText, finish_reason: str | None) -> ParsedReply:
    body = found.body
    try:
        _, critique, score_problem = _read_critique(found)
    except UnreadableReply:
        if finish_reason != "length":
            raise
        raise UnreadableReply("reply_truncated", body[-200:]) from None
    if score_problem:
        raise UnreadableReply(score_problem, body)
    return ParsedReply(critique, None, False, None)


def _read_critique(found: JsonText) -> tuple[dict[str, Any], Critique, str | None]:
    """The object, its critique, and what is wrong with the score."""
    loaded = load_object(found.body)
    if isinstance(loaded.get("score"), list | dict):
        raise UnreadableReply("bad_json", f"score: {loaded['score']!r}"[:200])
    score = read_json_score(loaded.get("score"))
    if score.value and (other := conflict_with_words(score.value, found.words)):
        score = Score(None, "score_conflict", other)
    weaknesses, suggestions = (_items(loaded, name) for name in ("weaknesses", "suggestions"))
    return loaded, Critique(weaknesses, suggestions, score.value), score.problem


def _items(loaded: dict[str, Any], name: str) -> list[str]:
    items = loaded.get(name, [])
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise UnreadableReply("bad_json", f"{name}: {items!r}"[:200])
    return drop_nothings([clean(item).strip() for item in items])

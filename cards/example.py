"""A row as the cells of a small table, for the first screen of a card."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# Columns whose score is shown beside their text.
_SCORED = {
    "draft": "draft_score",
    "refinement": "refinement_score",
    "chosen": "chosen_score",
    "rejected": "rejected_score",
}
_SHOWN = (
    "system",
    "history",
    "instruction",
    "prompt",
    "draft",
    "critique",
    "refinement",
    "chosen",
    "rejected",
)
_EMPTY: tuple[Any, ...] = (None, [], "")


def cells_of(row: Mapping[str, Any]) -> Iterator[tuple[str, int | None, str]]:
    """(column, score, text) of what a reader looks at; empty columns are left out.

    >>> list(cells_of({"draft": "Yes.", "draft_score": 2, "history": []}))
    [('draft', 2, 'Yes.')]
    """
    for name in _SHOWN:
        if row.get(name) not in _EMPTY:
            yield name, row.get(_SCORED.get(name)), _text(name, row[name])


def _text(name: str, value: Any) -> str:
    if name == "critique":
        return "\n".join(_critique(value))
    return value if isinstance(value, str) else _conversation(value)


def _conversation(messages: Sequence[Mapping[str, Any]]) -> str:
    """Messages as text, each behind its role; a single one is its text alone."""
    if len(messages) == 1:
        return messages[0]["content"]
    return "\n".join(f"{one['role']}: {one['content']}" for one in messages)


def _critique(critique: Mapping[str, Any]) -> Iterator[str]:
    for name in ("weaknesses", "suggestions"):
        texts = critique[name]
        if len(texts) > 1:
            yield f"{name}:"
            yield from (f"- {text}" for text in texts)
        else:
            yield f"{name}: {texts[0] if texts else 'none'}"
    if critique["score"] is not None:
        yield f"score: {critique['score']}"

"""Rows with text that is not an answer."""

from collections.abc import Iterable

from builders.critique.replies.foreign_text import Foreign, foreign_text, may_be_foreign
from builders.rows import Row


def first_foreign(texts: Iterable[str], asked: str) -> Foreign | None:
    """The first thing in any of the texts that is not of it; `asked` is what they answer."""
    texts = list(texts)
    if not may_be_foreign("\n".join(texts)):
        return None
    return next((found for text in texts if (found := foreign_text(text, asked))), None)


def dropped_as_foreign(found: Foreign) -> Row:
    """The reason and detail of the row."""
    return {"reason": "foreign_text", "detail": f"{found.kind}: {found.quote}"}

"""Feedback as text: the one format that models are trained on and that the parser reads."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from builders.critique.prompts import PARTS


def numbered(items: Sequence[str]) -> str:
    """The points of a critique as a numbered list, or "None."."""
    lines = (f"{number}. {numbered_item(item)}" for number, item in enumerate(items, start=1))
    return "\n".join(lines) or "None."


def numbered_item(item: str) -> str:
    """An item of such a list, without its number.

    Its further lines are indented, so that none of them can be read as a heading.
    """
    return "\n   ".join(item.strip().splitlines())


# The text of each part of the feedback, in the order in which they are written.
BLOCKS: dict[str, Callable[[Any], str]] = {
    "weaknesses": lambda items: f"### Weaknesses\n{numbered(items)}",
    "suggestions": lambda items: f"### Suggestions\n{numbered(items)}",
    "score": lambda score: f"Overall Score: [[{score}]]",
    "refinement": lambda text: f"### Improved Response\n{text.strip()}",
}
BETWEEN_BLOCKS = "\n\n"


def render_feedback(
    critique: Mapping[str, Any],
    refinement: str | None = None,
    *,
    parts: tuple[str, ...] = PARTS,
) -> str:
    """The critique's `parts` and the refinement, if any, under the headings of the prompts.

    Fewer parts are for the paper's ablations (Table 4).
    """
    values = {part: critique[part] for part in parts}
    if refinement is not None:
        values["refinement"] = refinement
    return BETWEEN_BLOCKS.join(
        write(values[part]) for part, write in BLOCKS.items() if part in values
    )

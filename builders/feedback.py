"""How feedback is written: one form, which training shows and the parser reads back."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from builders.prompts import PARTS


def numbered(items: Sequence[str]) -> str:
    """The points of a critique, a line each, or "None."."""
    # Later lines of an item are indented under it, so that none can pass for a heading.
    lines = (
        f"{number}. " + "\n   ".join(item.strip().splitlines())
        for number, item in enumerate(items, start=1)
    )
    return "\n".join(lines) or "None."


# What each part of a feedback is written as, in the order in which they are written.
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
    """The critique's `parts` and, where given, the refinement, under the prompts' headings.

    Leaving parts out makes the paper's ablations (Table 4).
    """
    values = {part: critique[part] for part in parts}
    if refinement is not None:
        values["refinement"] = refinement
    return BETWEEN_BLOCKS.join(
        write(values[part]) for part, write in BLOCKS.items() if part in values
    )

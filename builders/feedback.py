"""How feedback is written: one form, which training shows and the parser reads back."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from builders.prompts import PARTS


# A row's sections are written several times over, once for each form of training rows.
@lru_cache(8192)
def _section(title: str, items: tuple[str, ...]) -> str:
    if not items:
        return f"### {title}\nNone."
    # Later lines of an item are indented under it, so that none can pass for a heading.
    lines = (
        f"{number}. " + "\n   ".join(item.strip().splitlines())
        for number, item in enumerate(items, start=1)
    )
    return f"### {title}\n" + "\n".join(lines)


def render_feedback(
    critique: Mapping[str, Any],
    refinement: str | None = None,
    *,
    parts: tuple[str, ...] = PARTS,
) -> str:
    """The critique's `parts` and, where given, the refinement, under the prompts' headings.

    Leaving parts out makes the paper's ablations (Table 4).
    """
    blocks = []
    if "weaknesses" in parts:
        blocks.append(_section("Weaknesses", tuple(critique["weaknesses"])))
    if "suggestions" in parts:
        blocks.append(_section("Suggestions", tuple(critique["suggestions"])))
    if "score" in parts:
        blocks.append(f"Overall Score: [[{critique['score']}]]")
    if refinement is not None:
        blocks.append(f"### Improved Response\n{refinement.strip()}")
    return "\n\n".join(blocks)

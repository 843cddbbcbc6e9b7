"""Fenced code blocks: their lines belong to an answer or to a point, and are never headings."""

import re
from collections.abc import Sequence

# A line that is a fence and nothing else: its backticks or tildes, and the name of the language.
FENCE_LINE = re.compile(r"\s*(`{3,}+|~{3,}+)([^`]*)")

# An opening fence may follow quote marks and list markers.
_OPENING = re.compile(r"(?:>\s*+|(?:[-*+•]|[0-9]{1,3}[.)])\s++){0,3}(`{3,}+|~{3,}+)(.*)")
_CLOSING = re.compile(r"[\s>]*+(`{3,}+|~{3,}+)\s*+")


def find_code(lines: Sequence[str]) -> tuple[list[bool], bool]:
    """Which lines are in fenced code, fences included, and whether the last block stays open.

    >>> find_code(["Run it:", "```sh", "# Weaknesses", "```", "Done."])
    ([False, True, True, True, False], False)
    """
    in_code: list[bool] = []
    fence = ""
    for line in lines:
        has_fence = "```" in line or "~~~" in line
        if fence:
            in_code.append(True)
            closing = _CLOSING.fullmatch(line) if has_fence else None
            if closing and closing[1][0] == fence[0] and len(closing[1]) >= len(fence):
                fence = ""
            continue
        opening = _OPENING.match(line.lstrip()) if has_fence else None
        # Three backticks with more of them later in the line are a code span in a sentence.
        if opening and not (opening[1][0] == "`" and "`" in opening[2]):
            fence = opening[1]
        in_code.append(bool(fence))
    return in_code, bool(fence)

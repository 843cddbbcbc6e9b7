"""Replies in the form that the prompts ask for, read without the care that others need.

Most replies have this form, give or take a line before it, the level of the headings and the kind
of list, and a served model writes thousands of them a second. What is read here is what `markdown`
reads in three times the time; the fuzzer compares them. A reply with anything at which `markdown`
looks twice is left to it: code or a score among the points, a point that may be a heading or that
opens a quotation, a heading in the improved response that may end it.
"""

import re

from builders.critique.replies.headings import (
    BOLD_RANK,
    introduces_quote,
    is_heading,
    may_have_section,
)
from builders.critique.replies.items import drop_nothings
from builders.critique.replies.refinement import read_refinement
from builders.critique.replies.result import Critique, ParsedReply


def _heading(title: str) -> str:
    return rf"(?:\#{{1,6}} {title}:?|(?:\#{{1,6}} )?\*\*{title}:?\*\*)\n"


# The last heading of the prompt, and a line of the critic's own, may come before.
_FEEDBACK = re.compile(r"\#{1,6} Feedback")
# One kind of list in each section; `- - -` is none.
_MARKERS = (r"[0-9]{1,2}\. ", r"[0-9]{1,2}\) ", r"- (?![-*_\s])", r"\* (?![-*_\s])")
_POINTS = "|".join(rf"(?:{marker}[^\n]++\n{{1,2}}+)++" for marker in _MARKERS)
_FORM = re.compile(
    r"(?:(?P<before>[^\n{\[][^\n]*+)\n{1,2}+)??"
    rf"{_heading('Weaknesses')}\n?+(?P<weaknesses>{_POINTS})"
    rf"{_heading('Suggestions')}\n?+(?P<suggestions>{_POINTS})"
    r"(?:\#{1,6} |\*\*)?Overall [Ss]core:(?:\*\*)? (?:\*\*)?"
    r"\[\[(?P<score>10|[1-9])\]\](?:\*\*)?"
    rf"(?:\n\n?+(?P<improved>{_heading('Improved Response')})(?P<refinement>.*)|\s*)",
    re.DOTALL,
)


def reply_as_asked(text: str, draft: str, finish_reason: str | None) -> ParsedReply | None:
    """The critique and refinement in a reply of this form, None for any other reply.

    Raises `UnreadableReply` if the refinement is unusable.
    """
    form = _FORM.fullmatch(text)
    if form is None or (refinement := form["refinement"]) is None or _is_indented(refinement):
        return None
    heading = form["improved"]
    rank = len(heading) - len(heading.lstrip("#")) or BOLD_RANK
    if may_have_section(refinement, rank):
        return None
    critique = _critique(form)
    if critique is None:
        return None
    answer, no_change = read_refinement(refinement.strip(), draft, finish_reason)
    return ParsedReply(critique, answer, no_change, None)


def assessment_as_asked(text: str) -> ParsedReply | None:
    """The assessment in a reply of this form, None for any other reply.

    >>> points = "### Weaknesses\\n1. Vague.\\n\\n### Suggestions\\n1. Add units."
    >>> assessment_as_asked(f"{points}\\n\\nOverall Score: [[4]]").critique
    Critique(weaknesses=['Vague.'], suggestions=['Add units.'], score=4)
    """
    form = _FORM.fullmatch(text)
    if form is None or form["refinement"] is not None:
        return None
    critique = _critique(form)
    return critique and ParsedReply(critique, None, False, None)


def _critique(form: re.Match[str]) -> Critique | None:
    before, *points = form.group("before", "weaknesses", "suggestions")
    texts = points if before is None else [*points, before]
    if any(mark in text for text in texts for mark in ("[[", "```", "~~~")):
        return None
    if before and is_heading(before) and not _FEEDBACK.fullmatch(before):
        return None
    weaknesses, suggestions = ([line for line in text.split("\n") if line] for text in points)
    if introduces_quote(suggestions[-1]) or any(map(is_heading, [*weaknesses, *suggestions])):
        return None
    return Critique(_items(weaknesses), _items(suggestions), int(form["score"]))


def _items(lines: list[str]) -> list[str]:
    return drop_nothings([line.partition(" ")[2].strip() for line in lines])


def _is_indented(text: str) -> bool:
    """Whether the first line that is not blank is indented."""
    start = len(text) - len(text.lstrip())
    return start > 0 and text[start - 1] != "\n"

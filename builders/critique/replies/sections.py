"""Where the sections of a reply begin and end.

Where a heading could belong to the reply or to the improved response in it, `arrange` reports
the reply as unclear instead of choosing.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from builders.critique.prompts import PARTS
from builders.critique.replies.fences import find_code
from builders.critique.replies.headings import BOLD_RANK, Heading, find_headings
from builders.critique.replies.titles import TITLES

# Titles of remarks that are not part of the critique.
_REMARKS = re.compile(
    "(?:overall )?(?:assessment|evaluation|feedback|review|summary)|changes(?: made)?|conclusion"
    "|analysis|explanation|justification|notes|rationale|reasoning",
    re.IGNORECASE,
)


class Section(NamedTuple):
    """The text of a section: `inline`, then the lines from `start` up to `stop`."""

    name: str
    inline: str
    line: int  # of its heading
    start: int
    stop: int
    rank: int  # of its heading


class Outline(NamedTuple):
    sections: list[Section]
    unclear: str | None  # a heading that could belong to two sections
    echoed: str | None  # a heading of the prompt


def arrange(headings: Sequence[Heading], line_count: int, draft: str = "") -> Outline:
    """The sections of a reply of `line_count` lines in order, each up to the next one's heading.

    The improved response may have the headings that `draft`, the criticized answer, has.

    >>> lines = ["### Weaknesses", "It is brief.", "### Improved Response", "#### Why", "Because."]
    >>> outline = arrange(find_headings(lines, [False] * 5), 5)
    >>> [(section.name, section.start, section.stop) for section in outline.sections]
    [('weaknesses', 1, 2), ('improved', 3, 5)]
    """
    echoed = _find_echo(headings)
    kept: list[Heading] = []
    seen: set[str] = set()
    index = 0
    while index < len(headings):
        heading = headings[index]
        index += 1
        if heading.name not in TITLES:
            place = _place_of(heading, kept[-1] if kept else None)
            if place == "unclear":
                return Outline([], heading.title, echoed)
            if place == "outside":
                kept.append(heading)
            continue
        if heading.name in seen and heading.name not in ("score", "strengths"):
            return Outline([], heading.title, echoed)
        seen.add(heading.name)
        kept.append(heading)
        if heading.name == "improved":
            pending = set(PARTS) - seen
            end, unclear = _end_of_refinement(heading, headings[index:], pending, draft)
            if unclear is not None:
                return Outline([], unclear, echoed)
            index += end
    stops = [*(heading.line for heading in kept[1:]), line_count]
    sections = [
        Section(item.name, item.inline, item.line, item.body, max(item.body, stop), item.rank)
        for item, stop in zip(kept, stops, strict=False)
    ]
    return Outline(sections, None, echoed)


def _find_echo(headings: Sequence[Heading]) -> str | None:
    """A heading of the prompt before the improved response."""
    titles = set()
    for heading in headings:
        if heading.name == "improved":
            break
        if heading.echoed:
            return heading.title
        if heading.name == "other" and heading.rank < BOLD_RANK:
            titles.add(heading.title.lower())
    if "requirements" in titles:
        return "### Requirements"
    return "### Instruction, ### Response" if {"instruction", "response"} <= titles else None


def _place_of(heading: Heading, section: Heading | None) -> Literal["inside", "outside", "unclear"]:
    """Whether a heading without a known title belongs to the section before it, or ends it."""
    if section is None or section.name in ("strengths", "other"):
        return "inside"
    if heading.name == "stray":
        return "unclear"
    if section.name == "score":
        return "outside" if heading.rank < BOLD_RANK else "inside"
    if heading.counted and heading.rank == BOLD_RANK and not section.counted:
        return "inside"
    is_remark = _REMARKS.fullmatch(heading.title)
    if heading.rank > section.rank:
        return "unclear" if is_remark else "inside"
    return "outside" if is_remark else "unclear"


def _end_of_refinement(
    improved: Heading, later: Sequence[Heading], pending: set[str], draft: str
) -> tuple[int, str | None]:
    """How many of the `later` headings are in the improved response, and one that is unclear.

    `pending` are the parts of the critique that have not appeared yet.

    If none of them follows, the improved response goes on to the end of the reply. A heading of
    the critique in it, of the rank of its own heading, is then the answer's: either other headings
    of that rank precede it, or the draft has one with that title. Otherwise a second critique may
    have been appended, and the heading is unclear.

    If one follows, it ends the improved response, provided that it has the rank of its heading,
    and that neither the draft nor the text between them shows that the answer itself has headings
    of that rank. A score never does: it may be the score of the improved response.
    """
    end = next((index for index, item in enumerate(later) if item.name in pending), None)
    if end is None:
        repeated = [
            item for item in later if item.name == "improved" and item.rank == improved.rank
        ]
        first = next((item for item in later if item.rank <= improved.rank), None)
        if first and first.name in PARTS and first.rank == improved.rank:
            repeated.append(first)
        draft_names = _heading_names(draft)
        unclear = (item.title for item in repeated if item.name not in draft_names)
        return len(later), next(unclear, None)
    heading = later[end]
    is_clear = (
        heading.name != "score"
        and heading.rank == improved.rank <= BOLD_RANK
        and all(item.rank > improved.rank for item in later[:end])
        and heading.name not in _heading_names(draft)
    )
    return end, None if is_clear else heading.title


def _heading_names(text: str) -> set[str]:
    lines = text.split("\n")
    return {heading.name for heading in find_headings(lines, find_code(lines)[0])}

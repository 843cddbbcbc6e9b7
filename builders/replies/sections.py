"""Where the sections of a critic's reply begin and end.

Models write the headings the prompt asks for in many ways (`### Weaknesses`, `**Weaknesses:**`,
`1. Weaknesses:`). What can only be such a heading is read as one. Where an answer's own heading
could be meant just as well, `arrange` says so instead of choosing.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

PARTS = ("weaknesses", "suggestions", "score")

_NAMES = {
    "weaknesses": ("identified weaknesses", "weaknesses", "weakness"),
    "suggestions": (
        "suggestions for improvement",
        "actionable suggestions",
        "suggestions",
        "suggestion",
    ),
    "score": ("overall score", "final score", "score"),
    "improved": (
        "improved response",
        "improved answer",
        "refined response",
        "revised response",
        "refinement",
    ),
    # Praise that was not asked for: never a part of the section before it.
    "strengths": ("positive aspects", "strengths", "strength", "positives", "pros"),
}
_NAME_OF = {title: name for name, titles in _NAMES.items() for title in titles}

# Headings of remarks that a reader of the critique can do without.
_REMARKS = re.compile(
    "(?:overall )?(?:assessment|evaluation|feedback|review|summary)|changes(?: made)?|conclusion"
    "|analysis|explanation|justification|notes|rationale|reasoning",
    re.IGNORECASE,
)

# How firmly a heading stands: a level of 1 to 6 for `#`, and after these what has no level.
_BOLD, _PLAIN, _BARE = 7, 8, 9

INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_FENCE = re.compile(r"(?:>\s*+|(?:[-*+•]|[0-9]{1,3}[.)])\s++){0,3}(`{3,}+|~{3,}+)(.*)")
_CLOSING_FENCE = re.compile(r"[\s>]*+(`{3,}+|~{3,}+)\s*+")
RULE = re.compile(r"(?:-\s*+){3,}|(?:\*\s*+){3,}|(?:_\s*+){3,}")
FENCE_LINE = re.compile(r"\s*(`{3,}+|~{3,}+)([^`]*)")
_UNDERLINE = re.compile(r" {0,3}(?:(=)=++|--++)\s*+")

_NUMBER = r"(?:[0-9]{1,2}[.)]|\([0-9]{1,2}\))"
_COUNT = re.compile(_NUMBER)
ICON = "(?:[\u2190-\u2bff\U0001f000-\U0001faff]\ufe0f?){1,3}"
_OPENING = re.compile(
    rf"(?P<number>{_NUMBER}\s++)?(?P<bullet>[-*+•]\s++)?(?P<hashes>\#{{1,6}}+)?\s*+"
    rf"(?:{ICON}\s*+)?(?P<marks>[*_]{{1,3}}+)?\s*+(?P<count>{_NUMBER}\s*+)?(?:{ICON}\s*+)?"
    r"(?P<inner>[*_]{1,3}+)?"
)
_TITLES = "|".join(sorted(_NAME_OF, key=len, reverse=True)).replace(" ", r"\s{1,3}")
_TITLE = re.compile(rf"({_TITLES})(?![^\W\d_])", re.IGNORECASE)
_TITLE_ALONE = re.compile(rf"[\W\d_]{{0,12}}({_TITLES})[\W\d_]{{0,12}}", re.IGNORECASE)
_CLOSING_HASHES = re.compile(r"\s\#{1,6}$")
_REQUEST_NOTE = re.compile(r"[\s*_:]*+\(\s*+numbered, or ", re.IGNORECASE)
_SCORE_NOTE = re.compile(r"\((?:1 ?[-–] ?10|(?:1|out|from 1) (?:to|of) 10)\)\s*", re.IGNORECASE)
_SCORE_LINK = re.compile(r"[:：=]|(?:(?:[-–—]|is|of)\s++)?(?=[*_`]{0,3}\[)", re.IGNORECASE)
_DIGITS = "zero|one|two|three|four|five|six|seven|eight|nine|ten"
_BARE_SCORE = re.compile(
    rf"[\s#*_`]*+\[\[\s*+(?:[-−+]?[\d./,\s–—-]{{1,12}}|n|x|score|{_DIGITS})\s*\]\]"
    r"[\s*_`.]*+(?:(?:/|out of)\s*+10[\s*_`.]*+)?",
    re.IGNORECASE,
)
BOLD_LINE = re.compile(r"(\*\*|__)(?![\s*_])([^*]{1,100}?)\1\s?[:：]?")
_ATX_LINE = re.compile(r"\#{1,6}\s++(.+)")
_SENTENCE_END = (".", "!", "?", "。", "！", "？")


class Heading(NamedTuple):
    name: str  # a key of _NAMES, "other", or "stray": a title alone that heads nothing for sure
    title: str
    rank: int
    inline: str  # what follows it on its own line
    line: int
    body: int  # the first line after it
    numbered: bool = False  # `1. **Weaknesses**`
    counted: bool = False  # `**1. Weaknesses**`
    echoed: bool = False  # it carries the request's own note on how to fill the section


class Section(NamedTuple):
    name: str
    inline: str
    line: int  # of its heading
    start: int
    stop: int


class Outline(NamedTuple):
    sections: list[Section]
    unclear: str | None  # the line that could belong to two sections
    echoed: str | None  # a heading of the prompt itself


def is_blank(text: str) -> bool:
    """True where a reader sees nothing; zero-width characters are not whitespace to Python."""
    shown = text.strip()
    return not shown or (shown[0] > "\x7f" and not INVISIBLE.sub("", shown).strip())


def find_code(lines: Sequence[str]) -> tuple[list[bool], bool]:
    """Which lines are in fenced code, fences included, and whether the last fence is open."""
    inside: list[bool] = []
    fence = ""
    for line in lines:
        marked = "```" in line or "~~~" in line
        if fence:
            inside.append(True)
            closing = _CLOSING_FENCE.fullmatch(line) if marked else None
            if closing and closing[1][0] == fence[0] and len(closing[1]) >= len(fence):
                fence = ""
            continue
        opening = _FENCE.match(line.lstrip()) if marked else None
        # Three backticks with more of them behind are a code span in a sentence.
        if opening and not (opening[1][0] == "`" and "`" in opening[2]):
            fence = opening[1]
        inside.append(bool(fence))
    return inside, bool(fence)


def indent_of(line: str) -> int:
    if not line[:1].isspace():
        return 0
    lead = line[: len(line) - len(line.lstrip())]
    return len(lead.expandtabs(4))


def _text_tail(tail: str, marks: str) -> tuple[str, bool] | None:
    """What follows a title whose emphasis began with `marks`, and whether a colon came between.

    None where the emphasis goes on into the text: the title is a part of a sentence then.
    """
    closing, rest = marks[::-1], tail.strip()
    closed = not marks
    if not closed and rest.startswith(closing):
        rest, closed = rest[len(closing) :].lstrip(), True
    colon = rest.startswith((":", "："))
    rest = rest[1:].lstrip() if colon else rest
    if not closed and rest.startswith(closing):
        rest, closed = rest[len(closing) :].lstrip(), True
    if not closed and rest.endswith(closing):
        rest, closed = rest[: -len(closing)].rstrip(), True
    return (rest, colon) if closed else None


def _score_tail(tail: str) -> tuple[str, bool] | None:
    """The same for a score, which more than a colon can link to its title."""
    rest = tail.strip(" *_")
    note = _SCORE_NOTE.match(rest)
    rest = rest[note.end() :].lstrip(" *_") if note else rest
    if not rest:
        return "", False
    link = _SCORE_LINK.match(rest)
    return (rest[link.end() :].strip(), True) if link else None


def _read_heading(line: str, following: str, number: int) -> Heading | None:
    text = line if line.isascii() else INVISIBLE.sub("", line)
    # Three spaces put a line under a list item; `feedback.render_feedback` relies on it.
    if text[:1].isspace() and indent_of(text) > 1:
        return None
    text = text.strip()
    if "[[" in text and _BARE_SCORE.fullmatch(text):
        return Heading("score", text, _BARE, text, number, number + 1)
    opening = _OPENING.match(text)
    title = _TITLE.match(text, opening.end())
    named = _read_titled(text, opening, title, following, number) if title else None
    return named or read_other(text, number) or _read_stray(text, number)


def _read_titled(
    text: str, opening: re.Match[str], title: re.Match[str], following: str, number: int
) -> Heading | None:
    name = _NAME_OF[" ".join(title[1].lower().split())]
    hashes, marks = opening["hashes"], opening["marks"] or opening["inner"] or ""
    tail = text[title.end() :]
    if hashes:
        tail = _CLOSING_HASHES.sub("", tail)
    rank = len(hashes) if hashes else _BOLD if marks else _PLAIN
    numbered, counted = opening["number"] is not None, opening["count"] is not None
    if _REQUEST_NOTE.match(tail):
        return Heading(name, text, rank, "", number, number + 1, echoed=True)
    underline = _UNDERLINE.fullmatch(following) if rank == _PLAIN else None
    if underline and tail.strip() in ("", ":"):
        level = 1 if underline[1] else 2
        return Heading(name, text, level, "", number, number + 2, numbered)
    read = _score_tail(tail) if name == "score" else _text_tail(tail, marks)
    if read is None:
        return None
    inline, linked = read
    linked = linked or (name == "score" and _BARE_SCORE.fullmatch(following.strip()) is not None)
    if not linked and (inline or rank == _PLAIN):
        return None
    scored = name == "score" and "[[" in inline
    # `1. Weaknesses: it has none` is an item; `1. **Weaknesses:** it has none` may head a section.
    listed = opening["bullet"] or (numbered and rank == _PLAIN and inline)
    if listed and not scored:
        return None
    return Heading(name, text, rank, inline, number, number + 1, numbered and not scored, counted)


def read_other(text: str, number: int) -> Heading | None:
    atx = _ATX_LINE.fullmatch(text)
    bold = None if atx else BOLD_LINE.fullmatch(text)
    if atx:
        title, rank = atx[1].strip(" #*_:"), len(text) - len(text.lstrip("#"))
    elif bold and not bold[2].endswith(_SENTENCE_END):
        title, rank = bold[2].strip(" :："), _BOLD
    else:
        return None
    counted = _COUNT.match(title) is not None
    return Heading("other", title, rank, "", number, number + 1, counted=counted)


def _read_stray(text: str, number: int) -> Heading | None:
    title = _TITLE_ALONE.fullmatch(text) if len(text) < 60 else None
    if not title or _NAME_OF[" ".join(title[1].lower().split())] == "strengths":
        return None
    return Heading("stray", text, _PLAIN, "", number, number + 1)


def find_headings(lines: Sequence[str], code: Sequence[bool]) -> list[Heading]:
    """Every line that can be read as a heading, the answer's own among them."""
    found = []
    for number, line in enumerate(lines):
        # None is shorter than "# A".
        if code[number] or len(line) < 3 or line.isspace():
            continue
        following = lines[number + 1] if number + 1 < len(lines) else ""
        heading = _read_heading(line, following, number)
        if heading:
            found.append(heading)
    # In a reply whose sections carry no numbers, a numbered line with text is an item of a list.
    first = next((heading for heading in found if heading.name in _NAMES), None)
    if first and not first.numbered:
        found = [heading for heading in found if not (heading.numbered and heading.inline)]
    return found


def _own_headings(draft: str) -> set[str]:
    lines = draft.split("\n")
    return {heading.name for heading in find_headings(lines, find_code(lines)[0])}


def _find_echo(headings: Sequence[Heading]) -> str | None:
    """A heading of the prompt that stands before the improved response."""
    titles = set()
    for heading in headings:
        if heading.name == "improved":
            break
        if heading.echoed:
            return heading.title
        if heading.name == "other" and heading.rank < _BOLD:
            titles.add(heading.title.lower())
    if "requirements" in titles:
        return "### Requirements"
    return "### Instruction, ### Response" if {"instruction", "response"} <= titles else None


def _end_of_refinement(
    headings: Sequence[Heading], at: int, pending: set[str], draft: str
) -> tuple[int | None, str | None]:
    """Index of the heading that ends the improved response at `at`, and a line that is unclear.

    With nothing pending it goes on to the end. A critic's heading of the same rank is then the
    answer's own if the answer has headings of that rank before it, or the draft has one of that
    name; otherwise a second review may have run on into the answer. With something pending, the
    next pending heading ends it, if it is made like the heading of the improved response, and
    neither the draft nor what lies between shows that the answer has headings of that rank. A
    score does not end it: if it is not the answer's own, it may be that of the improved response.
    """
    improved = headings[at]
    later = headings[at + 1 :]
    end = next((index for index, item in enumerate(later) if item.name in pending), None)
    if end is None:
        known = _own_headings(draft)
        again = [item for item in later if item.name == "improved" and item.rank == improved.rank]
        first = next((item for item in later if item.rank <= improved.rank), None)
        if first and first.name in PARTS and first.rank == improved.rank:
            again.append(first)
        return None, next((item.title for item in again if item.name not in known), None)
    heading = later[end]
    clear = (
        heading.name != "score"
        and heading.rank == improved.rank <= _BOLD
        and all(item.rank > improved.rank for item in later[:end])
        and heading.name not in _own_headings(draft)
    )
    return at + 1 + end, None if clear else heading.title


def _belongs(heading: Heading, section: Heading | None) -> str:
    """What a line that heads no known section is in `section`: "inside", "outside", "unclear"."""
    if section is None or section.name in ("strengths", "other"):
        return "inside"
    if heading.name == "stray":
        return "unclear"
    if section.name == "score":
        return "outside" if heading.rank < _BOLD else "inside"
    if heading.counted and heading.rank == _BOLD and not section.counted:
        return "inside"
    remark = _REMARKS.fullmatch(heading.title)
    if heading.rank > section.rank:
        return "unclear" if remark else "inside"
    return "outside" if remark else "unclear"


def arrange(headings: Sequence[Heading], count: int, draft: str = "") -> Outline:
    """The sections of a reply of `count` lines, in order, each from its heading to the next.

    `draft` is the answer under review: what headings it has, the improved response may have too.
    """
    echoed = _find_echo(headings)
    kept: list[Heading] = []
    seen: set[str] = set()
    index = 0
    while index < len(headings):
        heading = headings[index]
        index += 1
        if heading.name not in _NAMES:
            place = _belongs(heading, kept[-1] if kept else None)
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
            end, unclear = _end_of_refinement(headings, index - 1, set(PARTS) - seen, draft)
            if unclear is not None:
                return Outline([], unclear, echoed)
            index = len(headings) if end is None else end
    bounds = [*(heading.line for heading in kept[1:]), count]
    sections = [
        Section(item.name, item.inline, item.line, item.body, max(item.body, bound))
        for item, bound in zip(kept, bounds, strict=False)
    ]
    return Outline(sections, None, echoed)

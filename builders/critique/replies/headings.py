"""Lines that can be headings: of a section of the reply, or of the improved response itself.

Models write the requested headings in many ways (`### Weaknesses`, `**Weaknesses:**`,
`1. Weaknesses:`). A line is read as one of them only if it can hardly be anything else.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from builders.critique.replies.quoted import SENTENCE_ENDS, is_wanted
from builders.critique.replies.text import INVISIBLE, indent_of
from builders.critique.replies.titles import TITLES, find_title, may_have_title

# The rank of a heading: its level from 1 to 6 if it is written with `#`, and these without.
BOLD_RANK, _TEXT_RANK, _SCORE_RANK = 7, 8, 9

_HAN = "[一二三四五六七八九十]{1,2}"
_NUMBER = rf"(?:\d{{1,2}}[.)．、]|[(（](?:\d{{1,2}}|{_HAN})[)）]|{_HAN}、)"
_NUMBERED = rf"{_NUMBER}(?:\s++|(?<=[．、）]))"
_COUNT = re.compile(_NUMBER)
ICON = "(?:[\u2190-\u2bff\U0001f000-\U0001faff]\ufe0f?){1,3}"
_OPENING = re.compile(
    rf"(?P<number>{_NUMBERED})?(?P<bullet>[-*+•]\s++)?(?P<hashes>\#{{1,6}}+)?\s*+"
    rf"(?:{ICON}\s*+)?(?P<marks>[*_]{{1,3}}+|【)?\s*+(?P<count>{_NUMBER}\s*+)?(?:{ICON}\s*+)?"
    r"(?P<inner>[*_]{1,3}+)?"
)
_NO_LETTERS = re.compile(r"[\W\d_]{0,12}+")
_CLOSING_HASHES = re.compile(r"\s\#{1,6}$")
_REQUEST_NOTE = re.compile(r"[\s*_:]*+\(\s*+numbered, or ", re.IGNORECASE)
_SCORE_NOTE = re.compile(r"[(（](?P<note>[^()（）]{1,40})[)）][\s*_]*+")
_SCORE_LINK = re.compile(
    r"[:：=]|(?:(?:[-–—]|is|of|est|ist|es|é|è|为|為|は)\s*+)?"
    r"(?=[*_`]{0,3}(?:\\?\[|[［【])|\d{1,3}(?:[.,/]\d{1,3})?[\s*_`.]*+$)",
    re.IGNORECASE,
)
_SCORE_FOLLOWS = re.compile(r"[\s*_`]*+(?:\\?\[|[［【]|\d)")
_CLOSING_MARKS = {"【": "】"}
_DIGITS = "zero|one|two|three|four|five|six|seven|eight|nine|ten"
_BARE_SCORE = re.compile(
    rf"[\s#*_`]*+\[\[\s*+(?:[-−+]?[\d./,\s–—-]{{1,12}}|n|x|score|{_DIGITS})\s*\]\]"
    r"[\s*_`.]*+(?:(?:/|out of)\s*+10[\s*_`.]*+)?",
    re.IGNORECASE,
)
BOLD_LINE = re.compile(r"(\*\*|__)(?![\s*_])([^*]{1,100}?)\1\s?[:：]?")
_ATX_LINE = re.compile(r"\#{1,6}\s++(.+)")
_UNDERLINE = re.compile(r" {0,3}(?:(=)=++|--++)\s*+")
_TAG = re.compile(r"<[a-zA-Z][^<>]*+>")
# The marks that end a quotation, by the one that began it: “English”, „German“, ”Swedish”.
_QUOTES = {"“": "”", "„": "“”", "”": "”", "«": "»", "»": "«", "「": "」", "『": "』"}
# These end quotations elsewhere, and begin one only before a word.
_AMBIGUOUS = re.compile("(?:^|(?<=[\\s(]))[“”»](?=\\S)")
_INCHES = re.compile('(?<=[0-9])"')
_SENTENCE_END = (".", "!", "?", "。", "！", "？")


class Heading(NamedTuple):
    name: str  # a key of TITLES, "other", or "stray": a bare title that may not be a heading
    title: str
    rank: int
    inline: str  # the text after it on the same line
    line: int
    body: int  # the first line after it
    numbered: bool = False  # `1. **Weaknesses**`
    counted: bool = False  # `**1. Weaknesses**`
    echoed: bool = False  # it repeats the prompt's note on how to fill the section


def find_headings(lines: Sequence[str], code: Sequence[bool]) -> list[Heading]:
    """Every line that can be read as a heading, those of the improved response included.

    >>> lines = ["**Weaknesses:** none", "Score: [[7]]", "### Improved Response", "# Ice", "Cold."]
    >>> [(heading.name, heading.rank) for heading in find_headings(lines, [False] * 5)]
    [('weaknesses', 7), ('score', 8), ('improved', 3), ('other', 1)]
    """
    headings: list[Heading] = []
    before = ""  # the last line that is not blank, unless it is a heading
    for index, line in enumerate(lines):
        # The shortest heading is "# A".
        if code[index] or (len(line) < 3 and line.isascii()) or line.isspace():
            continue
        if line.isascii() and not _may_be_heading(line):
            before = line
            continue
        next_line = lines[index + 1] if index + 1 < len(lines) else ""
        heading = _read_heading(line, next_line, index)
        if heading and heading.name == "score" and _is_quoted(heading, before, lines, index):
            heading = heading._replace(name="stray")
        if heading:
            headings.append(heading)
        before = "" if heading else line
    # If the reply does not number its sections, a numbered line with text is a list item.
    first = next((heading for heading in headings if heading.name in TITLES), None)
    if first and not first.numbered:
        headings = [item for item in headings if not (item.numbered and item.inline)]
    return headings


def is_heading(line: str) -> bool:
    """Whether `line` can be read as a heading, whatever is below it."""
    if line.isascii() and not _may_be_heading(line):
        return False
    return _read_heading(line, "", 0) is not None


def may_have_section(text: str, rank: int) -> bool:
    """False if no line of `text` is a heading of a section with this rank; else perhaps True."""
    # The first two ranks can be underlined, and others than those up to six are without `#`.
    hashes = rank if 3 <= rank < BOLD_RANK else 0
    if text.count("#") < hashes:
        return False
    return any(
        not line.isascii() or may_have_title(line)
        for line in text.split("\n")
        if line.count("#") >= hashes
    )


def _may_be_heading(line: str) -> bool:
    """False for most ASCII lines that `_read_heading` reads as none, in a fraction of its time."""
    return may_have_title(line) or line.lstrip().startswith(("#", "**", "__")) or "[[" in line


def _read_heading(line: str, next_line: str, index: int) -> Heading | None:
    text = line if line.isascii() else INVISIBLE.sub("", line)
    # A line indented by three spaces belongs to a list item, as `render.numbered` writes it.
    if text[:1].isspace() and indent_of(text) > 1:
        return None
    text = text.strip()
    if "[[" in text and _BARE_SCORE.fullmatch(text):
        return Heading("score", text, _SCORE_RANK, text, index, index + 1)
    heading = (
        _read_titled(text, next_line, index)
        or read_other_heading(text, index)
        or _read_stray(text, index)
    )
    if heading and heading.inline and len(text) < len(line.strip()):
        return heading._replace(inline=_with_invisible(heading.inline, line))
    return heading


def _with_invisible(inline: str, line: str) -> str:
    """`inline` with the joiners between its letters, which some scripts need, as in `line`."""
    shown = [at for at, character in enumerate(line) if not INVISIBLE.match(character)]
    start = "".join(line[at] for at in shown).rfind(inline)
    return line[shown[start] : shown[start + len(inline) - 1] + 1] if start >= 0 else inline


def _is_quoted(score: Heading, before: str, lines: Sequence[str], index: int) -> bool:
    """Whether the lines before a score show that it is a quotation: "It ends with this line:"."""
    if not before or score.rank < BOLD_RANK or "[[" not in score.inline:
        return False
    if introduces_quote(before):
        return True
    opening = _OPENING.match(before.lstrip())
    if before == lines[index - 1] and (
        before.lstrip().startswith(">")
        or _TAG.fullmatch(before.strip())
        or (opening["bullet"] and _OPENING.match(score.title)["bullet"])
    ):
        return True
    is_item = opening["number"] or opening["bullet"]
    return not is_item and is_wanted(SENTENCE_ENDS.split(before)[-1])


def introduces_quote(before: str) -> bool:
    """Whether a line announces what follows it, or begins a quotation that goes on."""
    return before.rstrip(" \t*_").endswith((":", "：")) or opens_quote(before)


def opens_quote(text: str) -> bool:
    """Whether a quotation in `text` is not closed.

    >>> opens_quote("Eine Frage mit „bitte“ schreiben."), opens_quote("It ends with “the line")
    (False, True)
    """
    if text.count('"') % 2 and _INCHES.sub("", text).count('"') % 2:
        return True
    if text.isascii():
        return False
    closing = ""
    for at, mark in enumerate(text):
        if closing:
            closing = "" if mark in closing else closing
        elif mark in "„«「『" or (mark in "“”»" and _AMBIGUOUS.match(text, at)):
            closing = _QUOTES[mark]
    return bool(closing)


def _read_titled(text: str, next_line: str, index: int) -> Heading | None:
    """The heading of a known section."""
    opening = _OPENING.match(text)
    title = find_title(text, opening.end())
    if not title:
        return None
    name, tail = title.name, title.tail
    hashes, marks = opening["hashes"], opening["marks"] or opening["inner"] or ""
    if hashes:
        tail = _CLOSING_HASHES.sub("", tail)
    rank = len(hashes) if hashes else BOLD_RANK if marks else _TEXT_RANK
    numbered, counted = opening["number"] is not None, opening["count"] is not None
    if _REQUEST_NOTE.match(tail):
        return Heading(name, text, rank, "", index, index + 1, echoed=True)
    underline = _UNDERLINE.fullmatch(next_line) if rank == _TEXT_RANK else None
    if underline and tail.strip() in ("", ":"):
        level = 1 if underline[1] else 2
        return Heading(name, text, level, "", index, index + 2, numbered)
    rest = _split_score_tail(tail) if name == "score" else _split_tail(tail, marks)
    if rest is None:
        return None
    inline, linked = rest
    score_is_below = name == "score" and _BARE_SCORE.fullmatch(next_line.strip()) is not None
    linked = linked or score_is_below
    if title.is_loose and not (_SCORE_FOLLOWS.match(inline) or (score_is_below and not inline)):
        return None
    if not linked and (inline or rank == _TEXT_RANK):
        return None
    has_score = name == "score" and "[[" in inline
    # `1. Weaknesses: none` is a list item; `1. **Weaknesses:** none` can be a heading.
    is_item = opening["bullet"] or (numbered and rank == _TEXT_RANK and inline)
    if is_item and not has_score:
        return None
    return Heading(name, text, rank, inline, index, index + 1, numbered and not has_score, counted)


def _split_tail(tail: str, marks: str) -> tuple[str, bool] | None:
    """The text after a title whose emphasis opened with `marks`, and whether a colon precedes it.

    None if the emphasis does not end with the title or the line: the title is part of a sentence.

    >>> _split_tail(":** It is vague.", "**")
    ('It is vague.', True)
    >>> _split_tail(" are many,** and they matter.", "**")
    """
    closing, rest = _CLOSING_MARKS.get(marks, marks[::-1]), tail.strip()
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


def _split_score_tail(tail: str) -> tuple[str, bool] | None:
    """`_split_tail` for a score, which a dash, "is", "of" or a bracket can link to its title too.

    A note in brackets is dropped if it gives the scale that the prompt does.

    >>> _split_score_tail(" (1-10) is [[7]]**"), _split_score_tail(" (1-5): [[4]]")
    (('[[7]]', True), ('(1-5): [[4]]', True))
    """
    rest = tail.strip(" *_】")
    noted, note = rest, _SCORE_NOTE.match(rest)
    rest = rest[note.end() :] if note else rest
    if not rest:
        return ("", False) if not note or _is_our_scale(note["note"]) else None
    link = _SCORE_LINK.match(rest)
    if not link:
        return None
    is_ours = not note or _is_our_scale(note["note"])
    return (rest[link.end() :].strip() if is_ours else noted, True)


def _is_our_scale(note: str) -> bool:
    return re.findall(r"\d+", note)[-1:] == ["10"]


def read_score_label(sentence: str) -> str | None:
    """The text after the label of a score, if `sentence` is one outside a list."""
    text = INVISIBLE.sub("", sentence).strip()
    opening = _OPENING.match(text)
    if opening["number"] or opening["bullet"]:
        return None
    heading = _read_titled(text, "", 0)
    return heading.inline if heading and heading.name == "score" and heading.inline else None


def read_other_heading(text: str, index: int) -> Heading | None:
    """A heading with a title of the model's own, written with `#` or as a line in bold."""
    atx = _ATX_LINE.fullmatch(text)
    bold = None if atx else BOLD_LINE.fullmatch(text)
    if atx:
        title, rank = atx[1].strip(" #*_:"), len(text) - len(text.lstrip("#"))
    elif bold and not bold[2].endswith(_SENTENCE_END):
        title, rank = bold[2].strip(" :："), BOLD_RANK
    else:
        return None
    counted = _COUNT.match(title) is not None
    return Heading("other", title, rank, "", index, index + 1, counted=counted)


def _read_stray(text: str, index: int) -> Heading | None:
    if len(text) >= 60:
        return None
    title = find_title(text, _NO_LETTERS.match(text).end())
    if not title or title.is_loose or title.name == "strengths":
        return None
    if not _NO_LETTERS.fullmatch(title.tail):
        return None
    return Heading("stray", text, _TEXT_RANK, "", index, index + 1)

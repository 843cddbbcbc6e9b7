"""The points of a section: the items of a list in any form, or paragraphs."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from builders.critique.replies.headings import BOLD_LINE, ICON, read_other_heading
from builders.critique.replies.text import INVISIBLE, indent_of, is_blank

# What a list item begins with.
_MARKER = re.compile(
    r"(?P<bold>\*\*[0-9]{1,3}[.)])(?:(?P<closed>\*\*)\s*+|\s++)"
    r"|(?P<number>\d{1,3}[.)．]|[(（]\d{1,3}[)）])"
    r"(?:\s++|(?=\*\*|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])|(?<=[．）])|$)"
    r"|(?P<comma>(?:\d{1,3}|[一二三四五六七八九十]{1,3})、|[\u2460-\u2473])\s*+"
    r"|(?P<letter>[A-Za-z][.)]|\([A-Za-z]\))\s++"
    r"|(?P<bullet>[-*+•‣◦▪●·–—])(?:\s++|$)"
    rf"|(?P<icon>{ICON})\s++"
)
_TOPIC = re.compile(r"\*\*[^*]{1,80}(?::\*\*|\*\*\s?:)")
_ISSUE = "(?:weakness(?:es)?|issues?|problems?|flaws?|errors?|faults?|concerns?|shortcomings?)"
_ACTION = "(?:suggestions?|improvements?|changes?|revisions?|modifications?|corrections?)"
_NOTHING = re.compile(
    "none(?: (?:found|identified|noted|needed|necessary|required|at all))?|n/?a|not applicable|nil"
    "|nothing(?: to (?:add|change|critici[sz]e|fix|improve|note|report))?|[-–—.…]*"
    "|(?:there (?:are|is) |(?:the|this) (?:response|answer) (?:has|contains) |i (?:see|found) )?no "
    "(?:(?:additional|apparent|clear|further|major|notable|obvious|other|particular|real|serious"
    "|significant|specific|substantive) ){0,3}"
    f"(?:{_ISSUE}|{_ACTION})(?: (?:or|and) (?:{_ISSUE}|{_ACTION}))?"
    "(?: (?:are|is|was|were|have been))?"
    "(?: (?:found|identified|necessary|needed|noted|noticed|required|to (?:note|report)))?"
    "(?: (?:for|in|with) (?:the|this) (?:response|answer)| for improvements?)?"
    "|无|無|沒有|没有|不适用|なし|特になし|없음|해당 없음|keine?|aucune?|ninguna?|ninguno"
    "|nessuna?|nessuno|nenhuma?|нет|отсутствуют|لا يوجد|لا شيء|कोई नहीं"
)
_NOTHING_BECAUSE = re.compile(r"\W{0,4}none\b\W{0,2}(?:[.;:,!]|\s[-–—])\W{0,3}\s", re.IGNORECASE)
_YET = re.compile(
    r"\b(?:although|but|could|except|however|minor|might|only|other than|should|slight\w*|though"
    r"|would|yet)\b",
    re.IGNORECASE,
)
# A rule between sections, such as `---`.
_RULE = re.compile(r"(?:-\s*+){3,}|(?:\*\s*+){3,}|(?:_\s*+){3,}")
_COLONS = (":", "：")


class _Line(NamedTuple):
    text: str  # without its indentation
    indent: int
    in_code: bool
    gap: int  # blank lines before it


def read_items(lines: Sequence[str], code: Sequence[bool]) -> list[str]:
    """The points of a section, without those that say that there are none.

    Nested lists, and what stands under a label, stay with the point they belong to.

    >>> read_items(["1. It is vague:", "   - no units", "2. It is long."], [False] * 3)
    ['It is vague:\\n- no units', 'It is long.']
    """
    measured = _measure(lines, code)
    labels = {index for index in range(len(measured)) if _is_label(measured, index)}
    if labels == {0} and measured[0].text.rstrip("*_").endswith(_COLONS):
        # It introduces the whole list.
        measured, labels = measured[1:], set()
    first_label = min(labels, default=len(measured))
    markers = _find_markers(measured[:first_label])
    first, last = (min(markers), max(markers)) if markers else (0, 0)
    margin = measured[first].indent if markers else 0
    items: list[tuple[str, list[_Line]]] = []  # the first line of each, and the others
    for index, line in enumerate(measured):
        if index in labels:
            label = line.text.lstrip("#").lstrip()
            count = _MARKER.match(label) if line.text[0] == "#" else None
            items.append((_after_marker(label, count) if count else label, []))
            continue
        if index in markers:
            items.append((_after_marker(line.text, markers[index]), []))
            continue
        is_nested = (
            line.in_code or line.indent > margin + 1 or (markers and _MARKER.match(line.text))
        )
        # Models seldom indent an item's paragraphs: between two items, a paragraph is the first's.
        continues = index > first_label or is_nested or first < index < last
        begins = line.gap or (not markers and _TOPIC.match(line.text))
        if items and (continues or not begins or _is_introduction(*items[-1])):
            items[-1][1].append(line)
        else:
            items.append((line.text, []))
    return drop_nothings([_join(text, rest) for text, rest in items])


def drop_nothings(items: Sequence[str]) -> list[str]:
    """The items without those that say "None.", "N/A" or "No weaknesses."."""
    return [item for item in items if not is_blank(item) and not _is_nothing(item)]


def _measure(lines: Sequence[str], code: Sequence[bool]) -> list[_Line]:
    """The lines that are neither blank nor a rule."""
    measured, gap = [], 0
    for index, line in enumerate(lines):
        if is_blank(line):
            gap += 1
            continue
        indent, text = indent_of(line), line.strip()
        # An item can begin with the fence of its code.
        in_code = code[index] and ((index and code[index - 1]) or not _MARKER.match(text))
        # A rule at the margin is layout; an indented one belongs to its item.
        if indent <= 1 and text[0] in "-*_" and not in_code and _RULE.fullmatch(text):
            gap += 1
            continue
        measured.append(_Line(text, indent, in_code, gap))
        gap = 0
    return measured


def _is_label(lines: Sequence[_Line], index: int) -> bool:
    """True for a line that names the points under it: a deeper heading, or a line in bold."""
    line = lines[index]
    is_heading = line.text[0] == "#"
    if line.in_code or line.indent > 1 or not (is_heading or line.gap or index == 0):
        return False
    has_colon = line.text.rstrip("*_").endswith(_COLONS)
    if not (has_colon or line.text[0] in "#*_"):
        return False
    if not is_heading and _MARKER.match(line.text):
        return False
    if len(line.text) > 2 and read_other_heading(line.text, 0):
        return True
    following = lines[index + 1] if has_colon and index + 1 < len(lines) else None
    return bool(following and not following.in_code and _MARKER.match(following.text))


def _find_markers(lines: Sequence[_Line]) -> dict[int, re.Match[str]]:
    """The markers of the outermost list, by the index of their line."""
    markers: dict[int, re.Match[str]] = {}
    list_kind, indent = None, 0
    for index, line in enumerate(lines):
        marker = None if line.in_code else _MARKER.match(line.text)
        kind = _kind_of(marker, list_kind) if marker else None
        if kind and (list_kind is None or (kind == list_kind and line.indent <= indent + 1)):
            indent = line.indent if list_kind is None else min(indent, line.indent)
            list_kind = kind
            markers[index] = marker
    return markers


def _kind_of(marker: re.Match[str], list_kind: str | None) -> str | None:
    """The kind of list that a marker belongs to, which tells a list from one nested in it.

    None for a letter after A outside a list of letters: it begins a sentence.
    """
    if marker["bullet"]:
        return marker["bullet"]
    if marker["number"]:
        return re.sub(r"\d+", "1", marker["number"])
    if not marker["letter"]:
        return "**" if marker["bold"] else "、" if marker["comma"] else "icon"
    if list_kind is None and marker["letter"].strip("().") not in ("a", "A"):
        return None
    return re.sub("[A-Za-z]", "a", marker["letter"])


def _after_marker(text: str, marker: re.Match[str]) -> str:
    rest = text[marker.end() :]
    return f"**{rest}" if marker["bold"] and not marker["closed"] else rest


def _is_introduction(text: str, rest: Sequence[_Line]) -> bool:
    """True for an item of one line that announces more: it ends in a colon or is bold."""
    return not rest and (text.endswith(_COLONS) or BOLD_LINE.fullmatch(text) is not None)


def _join(first: str, rest: Sequence[_Line]) -> str:
    """The text of an item, without the indentation that all lines but the first share.

    >>> _join("Use:", [_Line("if x:", 3, True, 0), _Line("y()", 7, True, 0)])
    'Use:\\nif x:\\n    y()'
    """
    if not rest:
        return first.strip()
    shallowest = min(line.indent for line in rest)
    # More than four columns are an indented code block, three of which are the list's.
    margin = shallowest if shallowest <= 4 else 3
    lines = [first]
    for line in rest:
        lines += [""] * line.gap
        lines.append(" " * (line.indent - margin) + line.text)
    return "\n".join(lines).strip()


def _is_nothing(item: str) -> bool:
    if len(item) > 300:
        return False
    shown = item if item.isascii() else INVISIBLE.sub("", item)
    words = " ".join(shown.lower().split()).strip("*_`()[]\"'. !。।")
    if _NOTHING.fullmatch(words):
        return True
    return _NOTHING_BECAUSE.match(item) is not None and not _YET.search(item)

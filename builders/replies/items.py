"""The items of a section: of a list in any form, or its paragraphs."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from builders.replies.sections import (
    BOLD_LINE,
    ICON,
    INVISIBLE,
    RULE,
    indent_of,
    is_blank,
    read_other,
)

# An item begins with one of these; `kind` tells the list it belongs to from one nested in it.
_MARKER = re.compile(
    r"(?P<bold>\*\*[0-9]{1,3}[.)])(?:(?P<closed>\*\*)\s*+|\s++)"
    r"|(?P<number>[0-9]{1,3}[.)．]|\([0-9]{1,3}\))(?:\s++|(?=\*\*)|$)"
    r"|(?P<comma>[0-9]{1,3}、)\s*+"
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
    "|无|沒有|没有|なし|없음|keine?|aucune?|ninguna?|ninguno|nessuna?|nessuno|nenhuma?|нет"
)
_NOTHING_BECAUSE = re.compile(r"\W{0,4}none\b\W{0,2}(?:[.;:,!]|\s[-–—])\W{0,3}\s", re.IGNORECASE)
_YET = re.compile(
    r"\b(?:although|but|could|except|however|minor|might|only|other than|should|slight\w*|though"
    r"|would|yet)\b",
    re.IGNORECASE,
)


class _Line(NamedTuple):
    text: str  # without its indentation
    indent: int
    code: bool
    gap: int  # blank lines before it


def _marker_kind(marker: re.Match[str], of_list: str | None) -> str | None:
    """The kind of list a marker belongs to; a first letter other than A begins no list."""
    if marker["bullet"]:
        return marker["bullet"]
    if marker["number"]:
        return re.sub("[0-9]+", "1", marker["number"])
    if not marker["letter"]:
        return "**" if marker["bold"] else "、" if marker["comma"] else "icon"
    if of_list is None and marker["letter"].strip("().") not in ("a", "A"):
        return None
    return re.sub("[A-Za-z]", "a", marker["letter"])


def _after_marker(text: str, marker: re.Match[str]) -> str:
    rest = text[marker.end() :]
    return f"**{rest}" if marker["bold"] and not marker["closed"] else rest


def _measure(lines: Sequence[str], code: Sequence[bool]) -> list[_Line]:
    measured, gap = [], 0
    for index, line in enumerate(lines):
        if is_blank(line):
            gap += 1
            continue
        indent, text = indent_of(line), line.strip()
        # An item may begin with the fence of its code.
        is_code = code[index] and ((index and code[index - 1]) or not _MARKER.match(text))
        # A rule between sections is layout; in an item it stands under the item's text.
        if indent <= 1 and text[0] in "-*_" and not is_code and RULE.fullmatch(text):
            gap += 1
            continue
        measured.append(_Line(text, indent, is_code, gap))
        gap = 0
    return measured


def _is_label(lines: Sequence[_Line], index: int) -> bool:
    """True for a line that names the points under it: a deeper heading, or one in bold."""
    line = lines[index]
    deeper = line.text[0] == "#"
    if line.code or line.indent > 1 or not (deeper or line.gap or index == 0):
        return False
    leads = line.text.rstrip("*_").endswith((":", "："))
    if not (leads or line.text[0] in "#*_") or (not deeper and _MARKER.match(line.text)):
        return False
    if len(line.text) > 2 and read_other(line.text, 0):
        return True
    following = lines[index + 1] if leads and index + 1 < len(lines) else None
    return bool(following and not following.code and _MARKER.match(following.text))


def _join(first: str, rest: Sequence[_Line]) -> str:
    """An item's text; what its other lines are indented by together is the list's layout."""
    if not rest:
        return first.strip()
    shallowest = min(line.indent for line in rest)
    margin = shallowest if shallowest <= 4 else 3
    lines = [first]
    for line in rest:
        lines += [""] * line.gap
        lines.append(" " * (line.indent - margin) + line.text)
    return "\n".join(lines).strip()


def _is_nothing(item: str) -> bool:
    if len(item) > 300:
        return False
    words = " ".join(INVISIBLE.sub("", item).lower().split()).strip("*_`()[]\"'. !。")
    if _NOTHING.fullmatch(words):
        return True
    return _NOTHING_BECAUSE.match(item) is not None and not _YET.search(item)


def drop_nothings(items: Sequence[str]) -> list[str]:
    """The items without those that say "None.", "N/A" or "No weaknesses."."""
    return [item for item in items if not is_blank(item) and not _is_nothing(item)]


def _find_markers(lines: Sequence[_Line]) -> dict[int, re.Match[str]]:
    """The markers of the outermost list, by the index of their line."""
    markers: dict[int, re.Match[str]] = {}
    of_list, indent = None, 0
    for index, line in enumerate(lines):
        marker = None if line.code else _MARKER.match(line.text)
        kind = _marker_kind(marker, of_list) if marker else None
        if kind and (of_list is None or (kind == of_list and line.indent <= indent + 1)):
            indent = line.indent if of_list is None else min(indent, line.indent)
            of_list = kind
            markers[index] = marker
    return markers


def _awaits_text(item: tuple[str, list[_Line]]) -> bool:
    first, rest = item
    return not rest and (first.endswith((":", "：")) or BOLD_LINE.fullmatch(first) is not None)


def read_items(lines: Sequence[str], code: Sequence[bool]) -> list[str]:
    """The points of a section: of a list in any form, or its paragraphs where it has none.

    Nested lists, and what stands under a label, stay with the point they belong to.
    """
    measured = _measure(lines, code)
    labels = [index for index in range(len(measured)) if _is_label(measured, index)]
    if labels == [0] and measured[0].text.rstrip("*_").endswith((":", "：")):
        measured, labels = measured[1:], []
    at_label, grouped = frozenset(labels), False
    markers = _find_markers(measured[: labels[0]] if labels else measured)
    first, last = (min(markers), max(markers)) if markers else (0, 0)
    margin = measured[first].indent if markers else 0
    items: list[tuple[str, list[_Line]]] = []
    for index, line in enumerate(measured):
        if index in at_label:
            label = line.text.lstrip("#").lstrip()
            count = _MARKER.match(label) if line.text[0] == "#" else None
            items.append((_after_marker(label, count) if count else label, []))
            grouped = True
            continue
        if index in markers:
            items.append((_after_marker(line.text, markers[index]), []))
            continue
        nested = line.code or line.indent > margin + 1 or (markers and _MARKER.match(line.text))
        # Models seldom indent the paragraphs of an item; between two items they are the first's.
        inside = grouped or nested or first < index < last
        begins = line.gap or (not markers and _TOPIC.match(line.text))
        if items and (inside or not begins or _awaits_text(items[-1])):
            items[-1][1].append(line)
        else:
            items.append((line.text, []))
    return drop_nothings([_join(first, rest) for first, rest in items])

"""The critic's score: `[[n]]` with n from 1 to 10, or the reason why there is none.

The paper's prompt holds `[[1-10]]` itself, and models write `8/10`, `[8]` or `8.5`. None of these
is rounded or repaired: a score that has to be guessed would be trained on as if it were one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

_BRACKETED = re.compile(
    r"(?<!\[)\[\[(?P<inner>[^\[\]\n]{0,400})\]\](?![\](])"
    r"(?P<fraction>[\s*_`]{0,8}(?:/\s*\[*[0-9]|out\s{1,3}of\b))?",
    re.IGNORECASE,
)
# Elsewhere in the feedback, `[[n]]` after a word is an index, as in R's `rows[[1]]`.
_MENTIONED = re.compile(
    r"(?<![\w\[\])])\[\[ {0,8}([0-9]{1,3}(?:[.,/][0-9]{1,3})?) {0,8}\]\](?![\](])"
)

_RATED = re.compile(
    r"\b(?:score|scored|rate|rated|rating|grade|give)\b[^\[]{0,40}\[\[", re.IGNORECASE
)

_IN_WORDS = re.compile(r"(?:zero|one|two|three|four|five|six|seven|eight|nine|ten)\b")
_PLACEHOLDERS = frozenset(
    ("", "n", "x", "xx", "?", "#", "_", "...", "score", "your score", "number", "rating", "1-10")
)
_SCORE = re.compile("10|[1-9]")
_WHOLE = re.compile("0|[1-9][0-9]*")
_NEGATIVE = re.compile("-[0-9]+")
_RANGE = re.compile(r"1 ?(?:-|to|\.\.\.?) ?10(?: score)?")
_FRACTION = re.compile(
    r"(?<![\d.,])([0-9]{1,4}(?:[.,][0-9]{1,4})?)\s{0,3}(?:/|out\s{1,3}of|of)\s{0,3}(?:10|ten)\b",
    re.IGNORECASE,
)
_LEADING = re.compile(r"(-?[0-9]{1,9})(?![0-9]|[.,][0-9])")
_DECIMAL = re.compile(r"-?[0-9]{1,9}[.,][0-9]")


class Score(NamedTuple):
    value: int | None
    problem: str | None  # a key of REASONS where there is no value
    found: str


def _without_code_spans(line: str) -> str:
    """`line` without its code spans: each from a run of backticks to the next run as long."""
    runs = list(re.finditer("`+", line))
    left = Counter(len(run[0]) for run in runs)
    kept, start, closing = [], 0, 0
    for run in runs:
        length = len(run[0])
        left[length] -= 1
        if closing == 0 and left[length]:
            kept.append(line[start : run.start()])
            closing = length
        elif closing == length:
            start, closing = run.end(), 0
    return "".join(kept) + line[start:]


def _bare(inner: str) -> str:
    return inner.strip().strip("*_").strip()


def _classify(inner: str) -> str | None:
    """The reason why what stands between the brackets is no score; None where it is one."""
    text = re.sub("[–—−]", "-", _bare(inner).lower())
    if _SCORE.fullmatch(text):
        return None
    if text in _PLACEHOLDERS or _RANGE.fullmatch(text):
        return "score_from_template"
    if _WHOLE.fullmatch(text) or _NEGATIVE.fullmatch(text):
        return "score_out_of_range"
    return "score_fraction" if _FRACTION.fullmatch(text) else "score_not_integer"


def _diagnose(line: str) -> str | None:
    """What the score is where it has no double brackets; None where nothing looks like one."""
    text = re.sub("[–—−]", "-", line).strip(" \t*_`\\[]()<>{}=:：#［］【】.").lower()
    if text in _PLACEHOLDERS or _RANGE.fullmatch(text):
        return "score_from_template" if text else None
    if _FRACTION.match(text) or re.match(r"[0-9]{1,4}\s?\]{0,2}[*_`]{0,3}\s?/", text):
        return "score_fraction"
    if _DECIMAL.match(text) or _IN_WORDS.match(text):
        return "score_not_integer"
    leading = _LEADING.match(text)
    if leading:
        return "score_unbracketed" if _SCORE.fullmatch(leading[1]) else "score_out_of_range"
    return "score_fraction" if _FRACTION.search(text) else None


def _first_line(text: str) -> str:
    return next((line for line in text.split("\n") if line.strip()), "")


def _also_says(region: str, value: int) -> str | None:
    """Another score than `value` that the first line of a score section gives in figures."""
    line = _BRACKETED.sub(" ", _first_line(region))
    figures = [found[1] for found in _FRACTION.finditer(line)]
    if line == _first_line(region):
        leading = _LEADING.match(line.strip(" \t*_`[]()=:："))
        figures += [leading[1]] if leading else []
    return next((figure for figure in figures if figure != str(value)), None)


def read_score(regions: Sequence[str], remarks: Iterable[str]) -> Score:
    """The one score given in `regions`, the score sections of a review.

    `remarks` are the other lines of the feedback: a `[[n]]` there gives no score, but a second
    one that differs from the first leaves open which is meant.
    """
    regions = list(dict.fromkeys(regions))
    found = [match for region in regions for match in _BRACKETED.finditer(region)]
    if not found:
        for region in regions:
            line = _first_line(region)
            problem = _diagnose(line)
            if problem:
                return Score(None, problem, line)
        return Score(None, "score_missing", " ".join(map(_first_line, regions)))
    for match in found:
        problem = "score_fraction" if match["fraction"] else _classify(match["inner"])
        if problem:
            return Score(None, problem, match[0])
    value = int(_bare(found[0]["inner"]))
    values = {_bare(match["inner"]): match[0] for match in found}
    for line in remarks:
        if "[[" in line:
            values |= {
                match[1]: match[0] for match in _MENTIONED.finditer(_without_code_spans(line))
            }
    if len(values) > 1:
        return Score(None, "score_conflict", " and ".join(values.values()))
    for region in regions:
        other = _also_says(region, value)
        if other:
            return Score(None, "score_conflict", f"[[{value}]] and {other}")
    return Score(value, None, found[0][0])


def read_score_in_prose(lines: Sequence[str]) -> Score:
    """The score of a reply without headings, in a line that says what the figure is."""
    regions = [line for line in lines if _RATED.search(line)]
    shown = [line for line in lines if line.strip()]
    if not regions and len(shown) == 1 and "[[" not in shown[0]:
        regions = shown
    return read_score(regions, lines)


def read_json_score(value: Any) -> Score:
    """The score of a JSON reply: a JSON integer; `8.0`, `"8"` and `true` are none."""
    if value is None:
        return Score(None, "score_missing", "")
    if isinstance(value, bool) or not isinstance(value, int):
        return Score(None, "score_not_integer", repr(value)[:200])
    if not 1 <= value <= 10:
        return Score(None, "score_out_of_range", str(value))
    return Score(value, None, str(value))

"""The critic's score: `[[n]]` with n from 1 to 10, or the reason why there is none.

The paper's prompt contains `[[1-10]]` itself, and models write `8/10`, `[8]` or `8.5`. None of
these is rounded or repaired: a guessed score would be trained on like any other.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from builders.critique.replies.given import find_closing, gives, problem_after
from builders.critique.replies.quoted import is_called_quoted

_BRACKETED = re.compile(
    r"(?<!\[)\[\[(?P<inner>[^\[\]\n]{0,400})\]\](?![\](])"
    r"(?P<fraction>[\s*_`]{0,8}(?:/\s*\[*[0-9]|out\s{1,3}of\b))?",
    re.IGNORECASE,
)
# Outside a score section, `[[n]]` after a word is an index, as in R's `rows[[1]]`.
_MENTIONED = re.compile(
    r"(?<![\w\[\])])\[\[ {0,8}([0-9]{1,3}(?:[.,/][0-9]{1,3})?) {0,8}\]\](?![\](])"
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
_AROUND = " \t*_`\\[]()<>{}=:：#［］【】〔〕⟦⟧（）〈〉《》「」『』."
_SCALE_NOTE = re.compile(r"[(（][^()（）]*\d")
_DECIMAL = re.compile(r"-?[0-9]{1,9}[.,][0-9]")


class Score(NamedTuple):
    value: int | None
    problem: str | None  # a key of REASONS if there is no value
    quote: str


def _without_code_spans(line: str) -> str:
    """`line` without its code spans: from a run of backticks to the next run of that length.

    >>> _without_code_spans("See ``a[[1]] ` b`` and [[2]].")
    'See  and [[2]].'
    """
    runs = list(re.finditer("`+", line))
    remaining = Counter(len(run[0]) for run in runs)
    kept, start, closing = [], 0, 0
    for run in runs:
        length = len(run[0])
        remaining[length] -= 1
        if closing == 0 and remaining[length]:
            kept.append(line[start : run.start()])
            closing = length
        elif closing == length:
            start, closing = run.end(), 0
    return "".join(kept) + line[start:]


def _bare(inner: str) -> str:
    return inner.strip().strip("*_").strip()


def _problem_in_brackets(inner: str) -> str | None:
    """Why the text between double brackets is not a score; None if it is one."""
    text = re.sub("[–—−]", "-", _bare(inner).lower())
    if _SCORE.fullmatch(text):
        return None
    if text in _PLACEHOLDERS or _RANGE.fullmatch(text):
        return "score_from_template"
    if _WHOLE.fullmatch(text) or _NEGATIVE.fullmatch(text):
        return "score_out_of_range"
    return "score_fraction" if _FRACTION.fullmatch(text) else "score_not_integer"


def _problem_without_brackets(line: str) -> str | None:
    """What is wrong with a score that has no double brackets; None if nothing looks like one."""
    text = re.sub("[–—−]", "-", line).strip(_AROUND).lower()
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


def _other_score(region: str, value: int) -> str | None:
    """A score other than `value`, without brackets, in the first line of a score section."""
    line = _BRACKETED.sub(" ", _first_line(region))
    figures = [match[1] for match in _FRACTION.finditer(line)]
    if line == _first_line(region):
        leading = _LEADING.match(line.strip(" \t*_`[]()=:："))
        figures += [leading[1]] if leading else []
    return next((figure for figure in figures if figure != str(value)), None)


def read_score(regions: Sequence[str], remarks: Iterable[str]) -> Score:
    """The only score in `regions`, the score sections of a reply.

    `remarks` are the other lines of the critique. A `[[n]]` in them is not taken as the score, but
    one that differs from the score is a conflict.
    """
    regions = list(dict.fromkeys(regions))
    matches = [match for region in regions for match in _BRACKETED.finditer(region)]
    if not matches:
        for region in regions:
            line = _first_line(region)
            problem = _problem_without_brackets(line)
            if problem:
                return Score(None, problem, line)
        return Score(None, "score_missing", " ".join(map(_first_line, regions)))
    for match in matches:
        problem = "score_fraction" if match["fraction"] else _problem_in_brackets(match["inner"])
        if problem:
            return Score(None, problem, match[0])
    value = int(_bare(matches[0]["inner"]))
    quotes = {_bare(match["inner"]): match[0] for match in matches}
    for line in remarks:
        if "[[" in line:
            mentions = _MENTIONED.finditer(_without_code_spans(line))
            quotes |= {match[1]: match[0] for match in mentions}
    if len(quotes) > 1:
        return Score(None, "score_conflict", " and ".join(quotes.values()))
    for region in regions:
        other = _other_score(region, value)
        if other:
            return Score(None, "score_conflict", f"[[{value}]] and {other}")
    for region in regions:
        problem = _problem_of_place(region) if "[[" in region else None
        if problem:
            return _not_given(problem, region)
    return Score(value, None, matches[0][0])


def _problem_of_place(region: str) -> str | None:
    """Why the score in a score section is not given: a key of REASONS or None.

    It is given by the first line of the section, or by the last.
    """
    lines = [line for line in region.split("\n") if line.strip()]
    match = _BRACKETED.search(lines[0])
    if not match:
        closing = find_closing(lines, [False] * len(lines))
        match = _BRACKETED.search(closing[1]) if closing else None
        return problem_after(closing[1][match.end() :], alone=True) if match else "score_missing"
    words = lines[0][: match.start()]
    if gives(words):
        is_quotation = is_called_quoted(" ".join(lines[1:]))
        return problem_after(lines[0][match.end() :]) or ("score_missing" if is_quotation else None)
    return "score_fraction" if _SCALE_NOTE.match(words) else "score_missing"


def _not_given(problem: str, quote: str) -> Score:
    what = "a score is mentioned, not given: " if problem == "score_missing" else ""
    return Score(None, problem, what + quote.strip())


def read_score_in_prose(lines: Sequence[str], code: Sequence[bool]) -> Score:
    """The score of a reply without sections, which ends with it."""
    prose = [line for line, in_code in zip(lines, code, strict=True) if not in_code]
    closing = find_closing(lines, code)
    if closing is None:
        text = "\n".join(prose).strip()
        if "[[" in text:
            line = next(line for line in prose if "[[" in line)
            return _not_given("score_missing", line)
        return read_score([] if "\n" in text else [text], [])
    index, region = closing
    rest = [lines[index].replace(region, "")]
    rest += [line for at, line in enumerate(lines) if at != index and not code[at]]
    score = read_score([region], rest)
    if score.value is None:
        return score
    match = _BRACKETED.search(region)
    if not gives(region[: match.start()]):
        return _not_given("score_missing", region)
    problem = problem_after(region[match.end() :], alone=True)
    return _not_given(problem, region) if problem else score


def read_json_score(value: Any) -> Score:
    """The score of a JSON reply: an integer, which `8.0`, `"8"` and `true` are not."""
    if value is None:
        return Score(None, "score_missing", "")
    if isinstance(value, bool) or not isinstance(value, int):
        return Score(None, "score_not_integer", repr(value)[:200])
    if not 1 <= value <= 10:
        return Score(None, "score_out_of_range", str(value))
    return Score(value, None, str(value))


def conflict_with_words(value: int, words: str) -> str | None:
    """Another score in the words around a JSON object, `[[n]]` or `n/10`; None if there is none."""
    scores = [match[1] for pattern in (_MENTIONED, _FRACTION) for match in pattern.finditer(words)]
    return next((score for score in scores if score != str(value)), None)

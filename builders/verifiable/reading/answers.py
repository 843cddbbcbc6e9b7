"""Reading the number that a free text gives as its answer.

In this order: what the text marks as its answer (`answer is`, `Answer:`, `A:`, `####`, a box);
what it states about the very thing that was asked, or concludes in its last sentence; the last
number in bold; the last number of the last sentence that has one. Where a text commits itself to
different numbers, all are reported, so that the caller can call it a contradiction.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from builders.verifiable.reading.number_text import UNSIGNED, NumberFound, numbers, plain
from builders.verifiable.reading.prose import sentences, words

# Up to so many words, a draft is about the count that was asked for and nothing else.
_BRIEF = 20
# How far a heading looks ahead for its answer, in characters.
_AHEAD = 300
_OPERATOR = r"[-+*/×÷·∙x]"
_CHAIN = re.compile(
    rf"(?:-?{UNSIGNED}%?)(?: *{_OPERATOR} *\(?-?{UNSIGNED}\)?%?)*"
    rf"(?: *= *(?:-?{UNSIGNED}%?)(?: *{_OPERATOR} *\(?-?{UNSIGNED}\)?%?)*)*"
)
# What follows a marker is looked at, not consumed: a line can hold several markers.
REST = r"(?=(?P<rest>[^\n]{0,200}))"
_MARKERS = (
    re.compile(rf"####\s{{0,3}}{REST}"),
    re.compile(r"\\boxed\{(?P<rest>[^{}\n]{0,60})\}"),
    re.compile(
        r"(?i)\banswer\b(?:(?!how many|what)[^.\n:=]){0,60}?"
        r"\b(?:is|are|was|equals|would be|will be|should be)\b"
        rf"(?!\W{{0,4}}not\b)[\s:*]{{0,4}}{REST}"
    ),
    re.compile(
        rf"(?<![\w.,])(?P<rest>-?{UNSIGNED})[^.\n0-9]{{0,12}} (?:is|as) "
        r"(?:the|our|your) (?:final )?answer\b"
    ),
)
_HEADINGS = (
    re.compile(rf"(?m)^\W{{0,4}}A ?:(?P<gap> ?){REST}"),
    re.compile(rf"(?i)\b(?:answer|result|solution)\W{{0,4}}[:=](?P<gap>\s{{0,3}}){REST}"),
)
# "Answer: we add 17 and 38" tells the way; its numbers are an answer only once it says so.
_METHOD = re.compile(
    r"(?i)^\W*(?:(?:to|we|you|let|let's|first|step|add|subtract|multiply|divide)\b|"
    r"(?:the |be )?(?:sum|difference|product|quotient|obtained|found|calculated|determined|given)"
    r"\b)"
)
_RESULT = re.compile(r"(?i)=|\b(?:is|are|so|get|gets|gives|equals|makes|be)\b[^=]*$")
_LINK = re.compile(r"[0-9].*(?:=|\b(?:is|are|equals?|makes?|gives?)\b)")
_CONCLUDES = re.compile(r"(?i)\W*(?:so|therefore|thus|hence|in total|finally|in conclusion)\b")
_SAYS_SO = re.compile(r"(?i)\b(?:is|are|was|be|has|have|get|gets|gives|makes|leaves) (?:only )?$")
# Chatty models go on about what they did, with numbers that are no answer.
_ASIDE = re.compile(
    r"(?i)\W*this (?:is|was) (?:because|since|due|known|called|also|an? (?:[\w-]+ ){0,3}?"
    r"(?:example|operation|problem|trick|way|concept|type|form|practice|formula|method))\b"
)
_BOLD = re.compile(r"\*\*(?P<rest>[^*\n]{1,40})\*\*")
_FIRST_SENTENCE = re.compile(r"^.+?(?:(?<=[^\s0-9.][.!?])(?=\s)|(?<=[0-9][.!?])(?=\s)|$)")
_EITHER = re.compile(r"^\W*(?:either )?(?P<left>\S+)(?: \w+)? or (?P<right>\S+)")


@dataclass(frozen=True)
class Reading:
    """The number a text ends on as its answer, and the different ones it commits itself to.

    `committed` says that the text marks or states it, rather than just having it last.
    """

    final: NumberFound
    others: tuple[Fraction, ...] = ()
    committed: bool = False


def leading_number(text: str, numerals: bool = False) -> NumberFound | None:
    """The number a phrase such as `17 + 38 = 55 apples` comes to; none for a bare `17 + 38`."""
    found = numbers(text[:200], numerals)
    if not found:
        return None
    first = found[0]
    chain = _CHAIN.match(text, first.start)
    if chain is None:
        return first
    tail = chain[0].rsplit("=", 1)
    inside = [item for item in found if first.start <= item.start < chain.end()]
    last_part = first.start + len(chain[0]) - len(tail[-1])
    result = [item for item in inside if item.start >= last_part]
    return result[0] if len(result) == 1 else None


def _answer_phrase(phrase: str, numerals: bool) -> NumberFound | None:
    """The number in what follows a marker: `55`, `Tom has 55 apples`, `the sum, which is 55`."""
    part = next(iter(_FIRST_SENTENCE.findall(phrase)), "")
    found = numbers(part, numerals)
    if not found:
        return None
    before = words(part[: found[0].start])
    if _METHOD.match(part):
        return found[-1] if _RESULT.search(part, found[0].start) else None
    if len(before) > 3 or before[-1:] in (["of"], ["from"], ["between"], ["than"]):
        return found[-1]
    return leading_number(part, numerals)


def _marked(text: str, patterns: Iterable[re.Pattern[str]], numerals: bool) -> list[NumberFound]:
    found = []
    for pattern in patterns:
        for match in pattern.finditer(text):
            start = match.start("rest")
            item = _answer_phrase(match["rest"], numerals)
            if item is None:
                continue
            found.append(NumberFound(item.value, item.literal, start + item.start))
            either = _EITHER.match(match["rest"])
            second = leading_number(either["right"]) if either else None
            if second and numbers(either["left"]):
                at = start + either.start("right")
                found.append(NumberFound(second.value, second.literal, at))
    return found


def _under_heading(text: str, givens: Sequence[Fraction], numerals: bool) -> list[NumberFound]:
    """What stands right after `Answer:`, unless a whole working begins there."""
    found = []
    for pattern in _HEADINGS:
        for match in pattern.finditer(text):
            start = match.start("rest")
            first, *more = sentences(text[start : start + _AHEAD]) or [""]
            whole = "\n" in match["gap"] or _METHOD.match(first)
            if more and whole:
                continue
            if whole or _LINK.search(first):
                item = _last(first, givens, numerals)
            else:
                item = _answer_phrase(match["rest"], numerals)
            if item is not None:
                found.append(NumberFound(item.value, item.literal, start + item.start))
    return found


def _in_bold(text: str) -> NumberFound | None:
    found = None
    for match in _BOLD.finditer(text):
        inside = numbers(match["rest"])
        if len(inside) == 1 and match["rest"].lstrip("$€£ ").startswith(
            inside[0].literal.lstrip("$€£ ")
        ):
            found = inside[0]
    return found


def _conclusion(text: str, givens: Sequence[Fraction]) -> list[NumberFound]:
    """What the last sentence concludes, unless it only repeats the question."""
    last = (sentences(text) or [""])[-1]
    if not _CONCLUDES.match(last):
        return []
    found = _last(last, givens, False)
    if found is None or found.value in givens:
        return []
    return [NumberFound(found.value, found.literal, text.rfind(last) + found.start)]


def _last(text: str, givens: Sequence[Fraction], numerals: bool) -> NumberFound | None:
    """The last number of the last sentence that has one which was not given."""
    fallback = None
    for part in reversed(sentences(text)):
        # A lone "one" is a pronoun more often than a count.
        found = [item for item in numbers(part, numerals) if item.literal.casefold() != "one"]
        if not found:
            continue
        if _ASIDE.match(part):
            fallback = fallback or found[-1]
            continue
        equals = part.rfind("=")
        results = [item for item in found if item.start > equals >= 0]
        if results:
            # "= $21 after giving away $4": what follows a result is rarely another one.
            later = [item for item in results[1:] if _SAYS_SO.search(part[: item.start][-12:])]
            return (later or results[:1])[-1]
        fresh = [item for item in found if item.value not in givens]
        if fresh:
            return fresh[-1]
        fallback = fallback or found[-1]
    return fallback


def read_number(
    text: str,
    *,
    stated: Sequence[re.Pattern[str]] = (),
    givens: Sequence[Fraction] = (),
    numerals: bool = False,
) -> Reading | None:
    """The number `text` answers with.

    `stated` find, in a group `rest`, what follows a statement on the very thing that was asked;
    `givens` are the question's own numbers.
    """
    text = plain(text)
    marked = _marked(text, _MARKERS, numerals) + _under_heading(text, givens, numerals)
    marked.sort(key=lambda item: item.start)
    said = _marked(text, stated, numerals) + ([] if marked else _conclusion(text, givens))
    committed = sorted(marked + said, key=lambda item: item.start)
    if marked:
        final = marked[-1]
    elif committed:
        final = committed[-1]
    else:
        numerals = numerals and len(words(text)) <= _BRIEF
        final = _in_bold(text) or _last(text, givens, numerals)
    if final is None:
        return None
    others = dict.fromkeys(item.value for item in committed if item.value != final.value)
    return Reading(final, tuple(others), bool(committed))


def final_number(text: str) -> Fraction | None:
    """The number that `text` gives as its answer, or none."""
    reading = read_number(text)
    return reading.final.value if reading else None

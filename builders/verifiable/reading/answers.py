"""Reading the number that a free text gives as its answer.

The first of these that the text has: a number marked as the answer (`answer is`, `Answer:`, `A:`,
`####`, a box); a number stated as what was asked, or concluded in the last sentence; the last
number in bold; the last number of the last sentence that has one. If a text commits to different
numbers, all of them are reported, so the caller can call it a contradiction.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from builders.verifiable.reading.number_text import UNSIGNED, WrittenNumber, numbers, plain
from builders.verifiable.reading.prose import sentences, words

# In a text of at most this many words, a number word is a count.
_SHORT_TEXT_WORDS = 20
# How many characters after a heading may hold its answer.
_HEADING_LOOKAHEAD = 300
# In code, 7 // 2 is a quotient and 2 ** 3 a power.
_SIGN = r"(?://|\*\*|[-+*/×÷·∙x])"
_EQUATION = re.compile(
    rf"(?:-?{UNSIGNED}%?)(?: *{_SIGN} *\(?-?{UNSIGNED}\)?%?)*"
    rf"(?: *= *(?:-?{UNSIGNED}%?)(?: *{_SIGN} *\(?-?{UNSIGNED}\)?%?)*)*"
)
# A lookahead, because one line can hold several markers.
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
# "Answer: we add 17 and 38" describes the method; its numbers are not the answer yet.
_METHOD = re.compile(
    r"(?i)^\W*(?:(?:to|we|you|let|let's|first|step|add|subtract|multiply|divide)\b|"
    r"(?:the |be )?(?:sum|difference|product|quotient|obtained|found|calculated|determined|given)"
    r"\b)"
)
_STATES_RESULT = re.compile(r"(?i)=|\b(?:is|are|so|get|gets|gives|equals|makes|be)\b[^=]*$")
_EQUATES = re.compile(r"[0-9].*(?:=|\b(?:is|are|equals?|makes?|gives?)\b)")
_CONCLUSION = re.compile(r"(?i)\W*(?:so|therefore|thus|hence|in total|finally|in conclusion)\b")
_ENDS_IN_VERB = re.compile(
    r"(?i)\b(?:is|are|was|be|has|have|get|gets|gives|makes|leaves) (?:only )?$"
)
# Models add remarks about what they did, with numbers that are not the answer.
_ASIDE = re.compile(
    r"(?i)\W*this (?:is|was) (?:because|since|due|known|called|also|an? (?:[\w-]+ ){0,3}?"
    r"(?:example|operation|problem|trick|way|concept|type|form|practice|formula|method))\b"
)
# Says that a quotient is whole; 0 is not the answer.
_NO_REMAINDER = re.compile(
    r"(?i),? (?:with|and)(?: a| the)? remainder(?: is| of|:| =)? ?(?:\( ?)?0\b(?![.,]\d)"
)
# A program that computes the answer is not the answer, where there are numbers beside it.
_CODE = re.compile(r"(?is)```(?:python|py|javascript|js|java|c|cpp|c\+\+|bash|sh)\b.*?(?:```|\Z)")
_BOLD = re.compile(r"\*\*(?P<rest>[^*\n]{1,40})\*\*")
_FIRST_SENTENCE = re.compile(r"^.+?(?:(?<=[^\s0-9.][.!?])(?=\s)|(?<=[0-9][.!?])(?=\s)|$)")
_ALTERNATIVES = re.compile(r"^\W*(?:either )?(?P<left>\S+)(?: \w+)? or (?P<right>\S+)")


@dataclass(frozen=True)
class ReadNumber:
    """The number that a text ends with as its answer, and the others it commits to.

    `committed`: the text marks or states it as the answer, instead of only having it last.
    """

    final: WrittenNumber
    others: tuple[Fraction, ...] = ()
    committed: bool = False


def leading_number(text: str, with_words: bool = False) -> WrittenNumber | None:
    """55 for `17 + 38 = 55 apples` and for `55 apples`; None for `17 + 38` alone."""
    candidates = numbers(text[:200], with_words)
    if not candidates:
        return None
    first = candidates[0]
    equation = _EQUATION.match(text, first.start)
    if equation is None:
        return first
    sides = equation[0].rsplit("=", 1)
    own_numbers = [item for item in candidates if first.start <= item.start < equation.end()]
    right_side = first.start + len(equation[0]) - len(sides[-1])
    results = [item for item in own_numbers if item.start >= right_side]
    return results[0] if len(results) == 1 else None


def _number_in_phrase(phrase: str, with_words: bool) -> WrittenNumber | None:
    """The number after a marker: 55 for `Tom has 55 apples` and `the sum, which is 55`."""
    first_sentence = next(iter(_FIRST_SENTENCE.findall(phrase)), "")
    candidates = numbers(first_sentence, with_words)
    if not candidates:
        return None
    before = words(first_sentence[: candidates[0].start])
    if _METHOD.match(first_sentence):
        return (
            candidates[-1] if _STATES_RESULT.search(first_sentence, candidates[0].start) else None
        )
    if len(before) > 3 or before[-1:] in (["of"], ["from"], ["between"], ["than"]):
        return candidates[-1]
    return leading_number(first_sentence, with_words)


def _numbers_after(
    text: str, patterns: Iterable[re.Pattern[str]], with_words: bool
) -> list[WrittenNumber]:
    answers = []
    for pattern in patterns:
        for match in pattern.finditer(text):
            start = match.start("rest")
            answer = _number_in_phrase(match["rest"], with_words)
            if answer is None:
                continue
            answers.append(answer.shifted(start))
            alternatives = _ALTERNATIVES.match(match["rest"])
            second = leading_number(alternatives["right"]) if alternatives else None
            if second and numbers(alternatives["left"]):
                answers.append(second.shifted(start + alternatives.start("right")))
    return answers


def _numbers_under_headings(
    text: str, givens: Sequence[Fraction], with_words: bool
) -> list[WrittenNumber]:
    """The numbers right after `Answer:`, except where a whole working begins there."""
    answers = []
    for pattern in _HEADINGS:
        for match in pattern.finditer(text):
            start = match.start("rest")
            first, *more = sentences(text[start : start + _HEADING_LOOKAHEAD]) or [""]
            has_working = "\n" in match["gap"] or _METHOD.match(first)
            if more and has_working:
                continue
            if has_working or _EQUATES.search(first):
                answer = _last_number(first, givens, with_words)
            else:
                answer = _number_in_phrase(match["rest"], with_words)
            if answer is not None:
                answers.append(answer.shifted(start))
    return answers


def _last_in_bold(text: str) -> WrittenNumber | None:
    answer = None
    for match in _BOLD.finditer(text):
        bold_numbers = numbers(match["rest"])
        if len(bold_numbers) == 1 and match["rest"].lstrip("$€£ ").startswith(
            bold_numbers[0].literal.lstrip("$€£ ")
        ):
            answer = bold_numbers[0]
    return answer


def _conclusions(text: str, givens: Sequence[Fraction]) -> list[WrittenNumber]:
    """The number that the last sentence concludes, if the question does not have it."""
    last = (sentences(text) or [""])[-1]
    if not _CONCLUSION.match(last):
        return []
    answer = _last_number(last, givens, False)
    if answer is None or answer.value in givens:
        return []
    return [answer.shifted(text.rfind(last))]


def _last_number(text: str, givens: Sequence[Fraction], with_words: bool) -> WrittenNumber | None:
    """The last number of the last sentence with a number that is not in `givens`."""
    fallback = None
    for sentence in reversed(sentences(text)):
        # "one" is a pronoun more often than a count.
        candidates = [
            item for item in numbers(sentence, with_words) if item.literal.casefold() != "one"
        ]
        if not candidates:
            continue
        if _ASIDE.match(sentence):
            fallback = fallback or candidates[-1]
            continue
        equals = sentence.rfind("=")
        results = [item for item in candidates if item.start > equals >= 0]
        if results:
            # "= $21 after giving away $4": the first number is the result.
            later = [
                item for item in results[1:] if _ENDS_IN_VERB.search(sentence[: item.start][-12:])
            ]
            return (later or results[:1])[-1]
        new = [item for item in candidates if item.value not in givens]
        if new:
            return new[-1]
        fallback = fallback or candidates[-1]
    return fallback


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    """The text with spaces in place of each match, so that indices stay as they are."""
    return pattern.sub(lambda match: " " * len(match[0]), text)


def read_number(
    text: str,
    *,
    stated: Sequence[re.Pattern[str]] = (),
    givens: Sequence[Fraction] = (),
    with_words: bool = False,
) -> ReadNumber | None:
    """The number that `text` gives as its answer.

    The group `rest` of each pattern in `stated` is what follows a statement of the answer;
    `givens` are the numbers in the question; `with_words` reads `three` and `twice` as well.
    """
    text = _blanked(_NO_REMAINDER, plain(text))
    without_code = _blanked(_CODE, text)
    text = without_code if re.search("[0-9]", without_code) else text
    marked = _numbers_after(text, _MARKERS, with_words)
    marked += _numbers_under_headings(text, givens, with_words)
    marked.sort(key=lambda answer: answer.start)
    stated_numbers = _numbers_after(text, stated, with_words)
    if not marked:
        stated_numbers += _conclusions(text, givens)
    committed = sorted(marked + stated_numbers, key=lambda answer: answer.start)
    if marked:
        final = marked[-1]
    elif committed:
        final = committed[-1]
    else:
        with_words = with_words and len(words(text)) <= _SHORT_TEXT_WORDS
        final = _last_in_bold(text) or _last_number(text, givens, with_words)
    if final is None:
        return None
    others = dict.fromkeys(answer.value for answer in committed if answer.value != final.value)
    return ReadNumber(final, tuple(others), bool(committed))


def final_number(text: str) -> Fraction | None:
    """The number that `text` gives as its answer, or None.

    >>> final_number("First I get 12. So, 17 and 38 add up to 55.")
    Fraction(55, 1)
    """
    reading = read_number(text)
    return reading.final.value if reading else None

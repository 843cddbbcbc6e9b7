"""Reading the number that a free text gives as its answer.

In this order: what the text marks as its answer (`answer is`, `Answer:`, `A:`, `####`, a box);
what it states about the very thing that was asked, or concludes in its last sentence; the last
number in bold; the last number of the last sentence that has one. Where a text commits itself to
different numbers, all are reported, so that the caller can call it a contradiction.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from builders.verifiable.prose import sentences, words
from builders.verifiable.wording import NUMERALS

# Longer ones are noise, and int() refuses thousands of digits.
_LONGEST = 24
_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+"
_UNSIGNED = rf"(?:[$€£] ?)?(?:{_DIGITS})"
NUMBER = re.compile(
    rf"(?<![\w.^])(?P<sign>-)?(?:[$€£] ?)?(?P<late>-)?(?P<whole>{_DIGITS})"
    rf"(?:(?P<mixed> [0-9]+)?/(?P<below>[0-9]+))?(?!\.?[0-9])(?!(?:st|nd|rd|th)\b)"
    rf"(?P<percent> ?%)?"
)
_OPERATOR = r"[-+*/×÷·∙x]"
_CHAIN = re.compile(
    rf"(?:-?{_UNSIGNED}%?)(?: *{_OPERATOR} *\(?-?{_UNSIGNED}\)?%?)*"
    rf"(?: *= *(?:-?{_UNSIGNED}%?)(?: *{_OPERATOR} *\(?-?{_UNSIGNED}\)?%?)*)*"
)
# What follows a marker is looked at, not consumed: a line can hold several markers.
REST = r"(?=(?P<rest>[^\n]{0,200}))"
_MARKERS = (
    re.compile(rf"####\s{{0,3}}{REST}"),
    re.compile(r"\\boxed\{(?P<rest>[^{}\n]{0,60})\}"),
    re.compile(rf"(?m)^\W{{0,4}}A ?: ?{REST}"),
    re.compile(rf"(?i)\b(?:answer|result|solution)\W{{0,4}}[:=]\s{{0,3}}{REST}"),
    re.compile(
        r"(?i)\banswer\b[^.\n:=]{0,60}?\b(?:is|are|was|equals|would be|will be|should be)\b"
        rf"(?!\W{{0,4}}not\b)[\s:*]{{0,4}}{REST}"
    ),
    re.compile(
        rf"(?<![\w.,])(?P<rest>-?{_UNSIGNED})[^.\n0-9]{{0,12}} (?:is|as) (?:the|our|your) (?:final )?answer\b"
    ),
)
# "Answer: we add 17 and 38" tells the way; its numbers are an answer only once it says so.
_METHOD = re.compile(
    r"(?i)^\W*(?:(?:to|we|you|let|let's|first|step|add|subtract|multiply|divide)\b|"
    r"(?:the |be )?(?:sum|difference|product|quotient|obtained|found|calculated|determined|given)"
    r"\b)"
)
_RESULT = re.compile(r"(?i)=|\b(?:is|are|so|get|gets|gives|equals|makes|be)\b[^=]*$")
_CONCLUDES = re.compile(r"(?i)\W*(?:so|therefore|thus|hence|in total|finally|in conclusion)\b")
_SAYS_SO = re.compile(r"(?i)\b(?:is|are|was|be|has|have|get|gets|gives|makes|leaves) (?:only )?$")
_BOLD = re.compile(r"\*\*(?P<rest>[^*\n]{1,40})\*\*")
_FIRST_SENTENCE = re.compile(r"^.+?(?:(?<=[^\s0-9.][.!?])(?=\s)|(?<=[0-9][.!?])(?=\s)|$)")
_EITHER = re.compile(r"^\W*(?:either )?(?P<left>\S+)(?: \w+)? or (?P<right>\S+)")
_NUMERAL = re.compile(rf"(?i)\b(?:{'|'.join(NUMERALS)}|once|twice)\b")
_NUMERAL_VALUES = {name: value for value, name in enumerate(NUMERALS)} | {"once": 1, "twice": 2}
_SPELLINGS = (
    (re.compile(r"<<[^<>\n]*>>"), ""),
    (re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}"), r"\1/\2"),
    (re.compile(r"\\text\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\(?:times|cdot)\b"), "×"),
    (re.compile(r"\\div\b"), "÷"),
    (re.compile(r"\\(?:left|right)\b|\\[,!;]|\\(?=[$%()\[\]])"), ""),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))"), ","),
    (re.compile(r"[\u2212\u2010\u2011]|(?<![0-9\s])[–](?=[0-9])|(?<=\s)[–](?=[0-9])"), "-"),
    (re.compile(r"(?i)\bnegative +(?=[0-9.$])"), "-"),
    (re.compile(r"(?i)(?<=\bis )minus +(?=[0-9.$])|(?<=[=:] )minus +(?=[0-9.$])"), "-"),
    (re.compile(r"(?<=[=(] )- (?=[0-9.$])"), "-"),
    (re.compile(r"(?<=[0-9]) ?½"), " 1/2"),
    (re.compile("½"), "1/2"),
    (re.compile("¼"), "1/4"),
    (re.compile("¾"), "3/4"),
)
_ENUMERATOR = re.compile(r"(?m)^[ \t]*\(?([0-9]{1,2})[.)](?=[ \t]+\S)")


@dataclass(frozen=True)
class NumberFound:
    """A number in a text: `literal` as it is written there, `start` where."""

    value: Fraction
    literal: str
    start: int

    @property
    def quotient(self) -> bool:
        """Written as `84/7`: a division that is still to be carried out, or a fraction."""
        return "/" in self.literal


@dataclass(frozen=True)
class Reading:
    """The number a text ends on as its answer, and the different ones it commits itself to.

    `committed` says that the text marks or states it, rather than just having it last.
    """

    final: NumberFound
    others: tuple[Fraction, ...] = ()
    committed: bool = False


def plain(text: str) -> str:
    """The text without TeX, calculator notes and unusual signs in its numbers."""
    for pattern, replacement in _SPELLINGS:
        text = pattern.sub(replacement, text)
    return text


def _value(match: re.Match[str]) -> Fraction | None:
    whole, below = match["whole"].replace(",", ""), match["below"]
    if len(whole) > _LONGEST or (below and (len(below) > _LONGEST or int(below) == 0)):
        return None
    value = Fraction(whole if not whole.startswith(".") else f"0{whole}")
    if match["mixed"]:
        if len(match["mixed"]) > _LONGEST:
            return None
        value += Fraction(int(match["mixed"]), int(below))
    elif below:
        value /= int(below)
    return value


def _is_binary_minus(text: str, at: int) -> bool:
    before = text[max(0, at - 3) : at].rstrip(" ")
    # A single letter is a variable: "x -5" subtracts, "is -5" does not.
    variable = before[-1:].isalpha() and not before[-2:-1].isalpha()
    return variable or before[-1:].isdigit() or before[-1:] in (")", "%", "]")


def numbers(text: str, numerals: bool = False) -> list[NumberFound]:
    """Every number of a `plain` text, in order; with `numerals`, `three` and `twice` as well."""
    found = []
    for match in NUMBER.finditer(text):
        value = _value(match)
        if value is None:
            continue
        start = match.start()
        negative = bool(match["sign"] or match["late"])
        if match["sign"] and _is_binary_minus(text, start):
            negative, start = False, start + 1
        literal = text[start : match.end()].strip()
        found.append(NumberFound(-value if negative else value, literal, start))
    if numerals:
        for match in _NUMERAL.finditer(text):
            value = Fraction(_NUMERAL_VALUES[match[0].casefold()])
            found.append(NumberFound(value, match[0], match.start()))
        found.sort(key=lambda item: item.start)
    return found


def without_enumerators(text: str) -> str:
    """The text without the `1.`, `2.` … before its lines, where these count up from one."""
    marks = [int(match[1]) for match in _ENUMERATOR.finditer(text)]
    if len(marks) < 2 or marks[:2] != [1, 2]:
        return text
    return _ENUMERATOR.sub("", text)


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
    return sorted(found, key=lambda item: item.start)


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
    """The last number of the last sentence that has one, preferring what was not given."""
    for part in reversed(sentences(without_enumerators(text))):
        # A lone "one" is a pronoun more often than a count.
        found = [item for item in numbers(part, numerals) if item.literal.casefold() != "one"]
        if not found:
            continue
        # "= $21 after giving away $4": what follows a result is rarely another one.
        equals = part.rfind("=")
        results = [item for item in found if item.start > equals >= 0]
        later = [item for item in results[1:] if _SAYS_SO.search(part[: item.start][-12:])]
        if results:
            return (later or results[:1])[-1]
        fresh = [item for item in found if item.value not in givens]
        return (fresh or found)[-1]
    return None


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
    marked = _marked(text, _MARKERS, numerals)
    committed = sorted(
        marked + _marked(text, stated, numerals) + _conclusion(text, givens),
        key=lambda item: item.start,
    )
    if marked:
        final = marked[-1]
    elif committed:
        final = committed[-1]
    else:
        final = _in_bold(text) or _last(text, givens, numerals)
    if final is None:
        return None
    others = dict.fromkeys(item.value for item in committed if item.value != final.value)
    return Reading(final, tuple(others), bool(committed))


def final_number(text: str) -> Fraction | None:
    """The number that `text` gives as its answer, or none."""
    reading = read_number(text)
    return reading.final.value if reading else None


def iter_values(text: str) -> Iterator[Fraction]:
    """The values of all numbers in any text, in order."""
    return (item.value for item in numbers(plain(text)))

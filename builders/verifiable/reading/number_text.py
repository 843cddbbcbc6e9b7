"""The numbers of a free text: how they are written, with what signs, marks and TeX."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from builders.verifiable.wording import NUMERALS

# Longer ones are noise, and int() refuses thousands of digits.
_LONGEST = 24
_FARTHEST = 20_000
_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+"
UNSIGNED = rf"(?:[$€£] ?)?(?:{_DIGITS})"
NUMBER = re.compile(
    rf"(?<![\w.^])(?P<sign>-)?(?:[$€£] ?)?(?P<late>-)?(?P<whole>{_DIGITS})"
    rf"(?:(?P<mixed> [0-9]+)?/(?P<below>[0-9]+))?(?!\.?[0-9])(?!(?:st|nd|rd|th)\b)"
    rf"(?P<percent> ?%)?"
)
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


def plain(text: str) -> str:
    """The text without TeX, calculator notes and unusual signs in its numbers.

    Of a very long text it is the end, where an answer stands.
    """
    text = text[-_FARTHEST:]
    for pattern, replacement in _SPELLINGS:
        text = pattern.sub(replacement, text)
    return text


def _value(match: re.Match[str]) -> Fraction | None:
    whole, below = match["whole"].replace(",", ""), match["below"]
    if len(whole) > _LONGEST or (below and (len(below) > _LONGEST or int(below) == 0)):
        return None
    value = Fraction(f"0{whole}") if "." in whole else Fraction(int(whole))
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


def iter_values(text: str) -> Iterator[Fraction]:
    """The values of all numbers in any text, in order."""
    return (item.value for item in numbers(plain(text)))

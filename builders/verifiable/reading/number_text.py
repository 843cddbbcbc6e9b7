"""The numbers in a free text: signs, currencies, fractions, percent signs and TeX."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from builders.verifiable.wording import NUMBER_WORDS

# Longer numbers are noise, and int() rejects thousands of digits.
_MAX_DIGITS = 24
_MAX_CHARACTERS = 20_000
_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+"
UNSIGNED = rf"(?:[$€£] ?)?(?:{_DIGITS})"
NUMBER = re.compile(
    rf"(?<![\w.^])(?P<sign>-)?(?:[$€£] ?)?(?P<late>-)?(?P<whole>{_DIGITS})"
    rf"(?:(?P<mixed> [0-9]+)?/(?P<below>[0-9]+))?(?!\.?[0-9])(?!(?:st|nd|rd|th)\b)"
    rf"(?P<percent> ?%)?"
)
_NUMBER_WORD = re.compile(rf"(?i)\b(?:{'|'.join(NUMBER_WORDS)}|once|twice)\b")
_WORD_VALUES = {name: value for value, name in enumerate(NUMBER_WORDS)} | {"once": 1, "twice": 2}
_REWRITES = (
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
class WrittenNumber:
    """A number in a text: `literal` is how it is written, `start` its index."""

    value: Fraction
    literal: str
    start: int

    @property
    def is_quotient(self) -> bool:
        """Whether it is written as `84/7`: a fraction, or a division not carried out."""
        return "/" in self.literal

    def shifted(self, offset: int) -> "WrittenNumber":
        """The same number in a text that has `offset` more characters before it."""
        return replace(self, start=self.start + offset)


def plain(text: str) -> str:
    """The text without TeX, calculator notes and unusual signs in its numbers.

    Only the end of a very long text is kept, because that is where the answer is.
    """
    text = text[-_MAX_CHARACTERS:]
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return text


def _value(match: re.Match[str]) -> Fraction | None:
    whole, denominator = match["whole"].replace(",", ""), match["below"]
    if len(whole) > _MAX_DIGITS:
        return None
    if denominator and (len(denominator) > _MAX_DIGITS or int(denominator) == 0):
        return None
    value = Fraction(f"0{whole}") if "." in whole else Fraction(int(whole))
    if match["mixed"]:
        if len(match["mixed"]) > _MAX_DIGITS:
            return None
        value += Fraction(int(match["mixed"]), int(denominator))
    elif denominator:
        value /= int(denominator)
    return value


def _is_binary_minus(text: str, at: int) -> bool:
    before = text[max(0, at - 3) : at].rstrip(" ")
    # A single letter is a variable: "x -5" subtracts, "is -5" does not.
    variable = before[-1:].isalpha() and not before[-2:-1].isalpha()
    return variable or before[-1:].isdigit() or before[-1:] in (")", "%", "]")


def numbers(text: str, with_words: bool = False) -> list[WrittenNumber]:
    """Every number in a `plain` text, in order; `with_words` includes `three` and `twice`."""
    written = []
    for match in NUMBER.finditer(text):
        value = _value(match)
        if value is None:
            continue
        start = match.start()
        negative = bool(match["sign"] or match["late"])
        if match["sign"] and _is_binary_minus(text, start):
            negative, start = False, start + 1
        literal = text[start : match.end()].strip()
        written.append(WrittenNumber(-value if negative else value, literal, start))
    if with_words:
        for match in _NUMBER_WORD.finditer(text):
            value = Fraction(_WORD_VALUES[match[0].casefold()])
            written.append(WrittenNumber(value, match[0], match.start()))
        written.sort(key=lambda item: item.start)
    return written


def iter_values(text: str) -> Iterator[Fraction]:
    """The values of all numbers in a text, in order."""
    return (item.value for item in numbers(plain(text)))

"""How remarks are worded: numbers, lists, quotes, and phrases chosen by the task."""

import hashlib
import re
from collections.abc import Sequence
from fractions import Fraction

from builders.verifiable.problem import Args, canonical


def split_words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NUMBER_WORDS = split_words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty"
)


def pick(args: Args, slot: str, *options: str) -> str:
    """One of `options`, always the same one for the same task and slot.

    Rows differ in their phrases, and a check has the same result every time.
    """
    digest = hashlib.sha256(f"{slot}\n{canonical(args)}".encode()).digest()
    return options[int.from_bytes(digest[:4], "big") % len(options)]


def format_number(value: Fraction | int) -> str:
    """25, -3.5, or 2/3 if the decimals do not end."""
    value = Fraction(value)
    if value.denominator == 1:
        return str(value.numerator)
    for places in range(1, 25):
        scaled = value * 10**places
        if scaled.denominator == 1:
            digits = str(abs(scaled.numerator)).rjust(places + 1, "0")
            return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
    return f"{value.numerator}/{value.denominator}"


def number_word(count: int) -> str:
    """`three` for 3; digits above twenty."""
    return NUMBER_WORDS[count] if count < len(NUMBER_WORDS) else str(count)


def ordinal(place: int) -> str:
    """`1st`, `22nd`, `13th`."""
    if place % 100 in (11, 12, 13):
        return f"{place}th"
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th') }"


def count_of(count: int, noun: str) -> str:
    """`1 bullet`, `3 bullets`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def join_words(items: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def capitalize_first(text: str) -> str:
    """The text with a capital first letter and the others unchanged."""
    return text[:1].upper() + text[1:]


def quote(text: str, limit: int = 60) -> str:
    """The beginning of `text` on one line, in quotes, cut between words."""
    # A lone surrogate would make it impossible to write the remark as UTF-8.
    flat = re.sub(r"\s+", " ", text[: limit * 8]).strip()
    flat = flat.encode("utf-8", "replace").decode().replace('"', "'")
    if len(flat) > limit:
        flat = flat[:limit].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"
    return f'"{flat}"'

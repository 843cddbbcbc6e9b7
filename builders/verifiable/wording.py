"""How remarks are worded: chosen by the task, so that no phrase is the same in every row."""

import hashlib
import re
from collections.abc import Sequence
from fractions import Fraction

from builders.verifiable.problem import Args, canonical


def listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NUMERALS = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty"
)


def pick(args: Args, slot: str, *options: str) -> str:
    """One of `options`, always the same for the same task and slot."""
    digest = hashlib.sha256(f"{slot}\n{canonical(args)}".encode()).digest()
    return options[int.from_bytes(digest[:4], "big") % len(options)]


def number(value: Fraction | int) -> str:
    """25, -3.5, or 2/3 where no decimal ends."""
    value = Fraction(value)
    if value.denominator == 1:
        return str(value.numerator)
    for places in range(1, 25):
        scaled = value * 10**places
        if scaled.denominator == 1:
            digits = str(abs(scaled.numerator)).rjust(places + 1, "0")
            return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
    return f"{value.numerator}/{value.denominator}"


def numeral(count: int) -> str:
    return NUMERALS[count] if count < len(NUMERALS) else str(count)


def ordinal(place: int) -> str:
    if place % 100 in (11, 12, 13):
        return f"{place}th"
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th') }"


def count_of(count: int, noun: str) -> str:
    """`1 bullet`, `3 bullets`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listing(items: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def quote(text: str, limit: int = 60) -> str:
    """The beginning of `text` on one line, in quotes, cut between words."""
    # A lone surrogate would make the whole remark impossible to write as UTF-8.
    flat = re.sub(r"\s+", " ", text[: limit * 8]).strip()
    flat = flat.encode("utf-8", "replace").decode().replace('"', "'")
    if len(flat) > limit:
        flat = flat[:limit].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"
    return f'"{flat}"'

r"""Many texts searched at once for what Python's patterns may match.

A detector reads a text with Python's `re`, in microseconds for each pattern. A `Screen` searches a
whole column of texts for all patterns in one pass, by Hyperscan (a tenth of RE2's time), and names
the texts that a detector has to read, which are few. It misses none of them:

- Each pattern is translated into one for bytes that matches wherever it does, and in more places:
  without lookarounds, upper limits of long repetitions, and ends of the text.
- The letters that `re` takes for ASCII ones without regard to case, and digits of other scripts,
  count as matches of patterns that could mean them.
- Texts are put together with line feeds between them. A match that reaches over one names the text
  that it ends in.
"""

import re
import sys
import threading
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import groupby

# The parser of `re` itself: none other reads a pattern as `re` does.
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from re._casefix import _EXTRA_CASES  # type: ignore[import-not-found]
from typing import Any

import hyperscan
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Patterns take a tenth of a second to prepare. Fewer rows than this are better all read.
FEW_ROWS = 256
# Longer repetitions have no upper limit, and need no more copies than the second number.
_FEW, _MOST = 4, 16
# The bytes of characters that are not ASCII. One character has up to four.
_WIDE = r"\x80-\xff"
_LONGEST = 4
# `re` takes these for i, k and s without regard to case.
_ODD = {"i": "\u0130\u0131", "k": "\u212a", "s": "\u017f"}
# The ASCII characters of each category, as parts of a class.
_CATEGORIES = {
    codes.CATEGORY_DIGIT: "0-9",
    codes.CATEGORY_WORD: "0-9A-Za-z_",
    codes.CATEGORY_SPACE: r"\x09-\x0d\x1c-\x20",
    codes.CATEGORY_NOT_DIGIT: r"\x00-/:-\x7f",
    codes.CATEGORY_NOT_WORD: r"\x00-/:-@\[-^`{-\x7f",
    codes.CATEGORY_NOT_SPACE: r"\x00-\x08\x0e-\x1b!-\x7f",
}
_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)
# Before and after each text is a line feed, or nothing.
_PLACES = {
    codes.AT_BEGINNING: "(?m:^)",
    codes.AT_BEGINNING_STRING: "(?m:^)",
    codes.AT_END: "(?m:$)",
    codes.AT_END_STRING: "(?m:$)",
    codes.AT_NON_BOUNDARY: "",
}

_NOTHING = pa.scalar("", pa.large_string())

_Item = tuple[Any, Any]
_Items = Sequence[_Item]


class _Lines:
    """Texts put together for one search; a null is an empty text."""

    def __init__(self, texts: pa.Array) -> None:
        feed = pa.scalar("\n", pa.large_string())
        lines = pc.binary_join_element_wise(
            texts.cast(pa.large_string()), feed, _NOTHING, null_handling="replace"
        )
        _, bounds, whole = (memoryview(buffer or b"") for buffer in lines.buffers())
        self.whole = whole
        # Behind the line feed of each text.
        self.ends = np.frombuffer(bounds, np.int64)[1 : len(texts) + 1]


class Screen:
    """Finds the texts that at least one of `patterns` may match. Several threads may search."""

    def __init__(self, patterns: Iterable[re.Pattern[str]]) -> None:
        """Patterns are prepared at the first search, and an iterator is read then."""
        self._patterns = patterns
        self._lock = threading.Lock()
        self._prepared: hyperscan.Database | None = None
        self._of_thread = threading.local()

    @property
    def _database(self) -> hyperscan.Database:
        with self._lock:
            if self._prepared is None:
                self._prepared = _compiled(self._patterns)
            return self._prepared

    def hits(self, texts: pa.Array) -> np.ndarray:
        """The indices of the texts that may match, ascending; never that of a null.

        >>> screen = Screen([re.compile(r"(?<!\\w)[0-9]+(?=%)")])
        >>> screen.hits(pa.array(["a rise of 20%", None, "no rise", "4 of 5"])).tolist()
        [0, 3]
        """
        lines = _Lines(texts)
        ends: list[int] = []

        def note(_id: int, _start: int, end: int, _flags: int, _context: object) -> None:
            ends.append(end)

        database = self._database
        if not hasattr(self._of_thread, "scratch"):
            # Hyperscan's working memory, which one search at a time may use.
            self._of_thread.scratch = hyperscan.Scratch(database)
        scratch = self._of_thread.scratch
        database.scan(lines.whole, match_event_handler=note, scratch=scratch)
        # A match ends in a text, or where it does.
        return np.unique(np.searchsorted(lines.ends, ends, side="right"))


def _compiled(patterns: Iterable[re.Pattern[str]]) -> hyperscan.Database:
    expressions = sorted({one for pattern in patterns for one in screened(pattern)})
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[one.encode() for one in expressions],
        ids=list(range(len(expressions))),
        flags=[0] * len(expressions),
    )
    return database


def screened(pattern: re.Pattern[str]) -> list[str]:
    r"""Patterns for Hyperscan, in bytes: wherever `pattern` matches a text, one of them does.

    >>> screened(re.compile(r"(?<!\w)a{2,90}(?=%)"))
    ['a{2,}']
    >>> screened(re.compile(r"\bno\b.{0,3}"))
    ['\\bno\\b[^\\n]{0,12}']
    """
    parsed = _parser.parse(pattern.pattern, pattern.flags)
    flags, letters, digits = parsed.state.flags, set[str](), set[int]()
    text = _Translation(flags, letters, digits).sequence(parsed)
    expressions = [f"(?i:{text})" if flags & re.IGNORECASE else text]
    expressions += [_hex(one) for letter in sorted(letters) for one in _ODD[letter]]
    return expressions + list(_odd_digits()) * bool(digits)


@cache
def _odd_digits() -> tuple[str, ...]:
    """Patterns for the digits that are not ASCII."""
    points = (point for point in range(128, sys.maxunicode + 1) if chr(point).isdecimal())
    by_head = groupby((chr(point).encode() for point in points), lambda one: one[:-1])
    return tuple(
        f"{_hex(head)}[{''.join(_hex(one[-1:]) for one in encoded)}]" for head, encoded in by_head
    )


class _Translation:
    """Translates items of a parsed pattern with these flags.

    It adds to `letters` those that odd ones may stand for, and to `digits` if any may be odd.
    """

    def __init__(self, flags: int, letters: set[str], digits: set[int]) -> None:
        self._flags, self._letters, self._digits = flags, letters, digits

    def sequence(self, items: _Items) -> str:
        parts = []
        for at, item in enumerate(items):
            if item == (codes.AT, codes.AT_BOUNDARY):
                after, before = items[at + 1 : at + 2], items[:at][-1:]
                # To Hyperscan, no other characters than ASCII ones are of a word. So beside one
                # of a word, its boundary is where Python's is, and in more places.
                parts.append(r"\b" * (_is_word(after, 0) or _is_word(before, -1)))
            else:
                parts.append(self._item(*item))
        return "".join(parts)

    def _item(self, code: Any, value: Any) -> str:
        if (bytes_ := self._bytes(code, value)) is not None:
            return bytes_ + f"{{1,{_LONGEST}}}" * _is_wide(bytes_)
        if code is codes.LITERAL:
            return f"(?:{'|'.join(map(_hex, sorted(self._cases(chr(value)))))})"
        if code is codes.BRANCH:
            return f"(?:{'|'.join(self.sequence(branch) for branch in value[1])})"
        if code is codes.SUBPATTERN:
            _, added, removed, items = value
            case = {bool(added): "i", bool(removed): "-i"}.get(True, "")
            inner = _Translation((self._flags | added) & ~removed, self._letters, self._digits)
            return f"(?{case}:{inner.sequence(items)})"
        if code is codes.ATOMIC_GROUP:
            return f"(?:{self.sequence(value)})"
        if code in _REPEATS:
            return self._repeated(*value)
        if code is codes.AT:
            return _PLACES[value]
        if code in (codes.ASSERT, codes.ASSERT_NOT):
            return ""
        raise ValueError(f"a pattern with {code} cannot be screened for")

    def _cases(self, character: str) -> set[str]:
        if not self._flags & re.IGNORECASE:
            return {character}
        lower = character.lower()
        same = [lower, *map(chr, _EXTRA_CASES.get(ord(lower), ()) if len(lower) == 1 else ())]
        return {character, *same, *map(str.upper, same)}

    def _repeated(self, least: int, most: Any, items: _Items) -> str:
        repeated, longest = self._bytes(*items[0]) if len(items) == 1 else None, 1
        if repeated is None:
            repeated = f"(?:{self.sequence(items)})"
        elif _is_wide(repeated):
            longest = _LONGEST
        if most is not codes.MAXREPEAT and most <= _FEW:
            return f"{repeated}{{{least},{most * longest}}}"
        return f"{repeated}{{{min(least, _MOST)},}}"

    def _bytes(self, code: Any, value: Any) -> str | None:
        """What the item matches, as a class of bytes; None if it is not of that kind.

        All bytes of characters that are not ASCII are in it, or none.
        """
        if code is codes.LITERAL and value < 128:
            if self._flags & re.IGNORECASE and chr(value).lower() in _ODD:
                self._letters.add(chr(value).lower())
            return _escaped(value)
        if code is codes.NOT_LITERAL:
            return self._class([(codes.NEGATE, None), (codes.LITERAL, value)])
        if code is codes.ANY:
            return r"[\x00-\xff]" if self._flags & re.DOTALL else r"[^\n]"
        return self._class(value) if code is codes.IN else None

    def _class(self, items: _Items) -> str:
        is_negated = items[0][0] is codes.NEGATE
        parts, is_wide = [], False
        for code, value in items[is_negated:]:
            if code is codes.CATEGORY:
                parts.append(_CATEGORIES[value])
                is_wide |= value is not codes.CATEGORY_DIGIT
                self._digits.update([1] * (value is codes.CATEGORY_DIGIT))
                continue
            first, last = value if code is codes.RANGE else (value, value)
            if first < 128:
                parts.append(f"{_escaped(first)}-{_escaped(min(last, 127))}")
            is_wide |= last >= 128 or bool(self._flags & re.IGNORECASE)
        if is_negated:
            return f"[^{''.join(parts)}]" if parts else r"[\x00-\xff]"
        return f"[{''.join(parts)}{_WIDE * is_wide}]"


def _is_wide(bytes_: str) -> bool:
    return bytes_.startswith("[^") or _WIDE in bytes_ or r"\xff" in bytes_


def _is_word(items: _Items, end: int) -> bool:
    """Whether all that the items match has an ASCII letter, digit or `_` at this end."""
    if not items:
        return False
    code, value = items[end]
    if code is codes.LITERAL:
        return _is_word_character(value)
    if code is codes.BRANCH:
        return all(_is_word(branch, end) for branch in value[1])
    if code is codes.SUBPATTERN:
        return _is_word(value[3], end)
    if code in _REPEATS:
        return value[0] > 0 and _is_word(value[2], end)
    return False


def _is_word_character(point: int) -> bool:
    return chr(point).isascii() and (chr(point).isalnum() or chr(point) == "_")


def _escaped(point: int) -> str:
    return chr(point) if _is_word_character(point) else f"\\x{point:02x}"


def _hex(text: str | bytes) -> str:
    encoded = text.encode() if isinstance(text, str) else text
    return "".join(f"\\x{byte:02x}" for byte in encoded)

r"""Git's patterns, as in `.gitattributes` and `.gitignore`, matched in linear time.

The regular expressions that libraries translate them to (dulwich, pathspec) try every way to divide
a name among the stars: one line with six of them takes hours. Here a star takes as little as the
text behind it allows and never gives anything back, which finds the same matches, as only the last
star of a part has to reach its end.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache

from dulwich.wildmatch import MalformedPattern, translate_bracket_expression

_MATCHES_NOTHING = re.compile(rb"(?!)")


class Wildcards:
    """A pattern, relative to the folder of its file; `**` is any number of folders.

    >>> Wildcards(b"a/**/*.txt").match([b"a", b"b", b"c.txt"])
    True
    """

    def __init__(self, pattern: bytes) -> None:
        parts: list[re.Pattern[bytes] | None] = []
        for part in _parts(pattern):
            if part == b"**":
                if not parts or parts[-1] is not None:
                    parts.append(None)
            else:
                parts.append(_compiled(part))
        self._parts = parts

    def match(self, names: Sequence[bytes]) -> bool:
        """Whether the path of these names matches as a whole."""
        parts = self._parts
        at = name = 0
        # Where the last `**` was, and how many names it has taken so far.
        last, taken = None, 0
        while name < len(names):
            if at < len(parts) and parts[at] is None:
                last, taken = at, name
                at += 1
            elif at < len(parts) and parts[at].fullmatch(names[name]):
                at, name = at + 1, name + 1
            elif last is not None:
                taken += 1
                at, name = last + 1, taken
            else:
                return False
            if last is not None and last == len(parts) - 1:
                # At the end, `**` is everything inside.
                return True
        return at == len(parts)


def _parts(pattern: bytes) -> Iterator[bytes]:
    """The pattern's parts between slashes; one in brackets separates none, an escaped one does.

    >>> list(_parts(rb"a/[/b]\\/c"))
    [b'a', b'[/b]', b'c']
    """
    start = at = 0
    while at < len(pattern):
        char = pattern[at : at + 1]
        at += 1
        if char == b"/":
            yield pattern[start : at - 1]
            start = at
        elif char == b"[":
            # Without an end, the part that begins here matches nothing.
            with suppress(MalformedPattern):
                at, _ = translate_bracket_expression(pattern, at)
        elif char == b"\\" and pattern[at : at + 1] == b"/":
            yield pattern[start : at - 1]
            start = at = at + 1
        elif char == b"\\":
            at += 1
    yield pattern[start:]


@lru_cache(maxsize=10_000)
def _compiled(part: bytes) -> re.Pattern[bytes]:
    """One part of a path as a regular expression that does not backtrack."""
    pieces = [b""]
    at = 0
    while at < len(part):
        char = part[at : at + 1]
        at += 1
        if char == b"*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append(b"")
        elif char == b"?":
            pieces[-1] += b"."
        elif char == b"[":
            try:
                at, expression = translate_bracket_expression(part, at)
            except MalformedPattern:
                return _MATCHES_NOTHING
            pieces[-1] += expression
        elif char == b"\\" and at < len(part):
            pieces[-1] += re.escape(part[at : at + 1])
            at += 1
        else:
            pieces[-1] += re.escape(char)
    first, *others = pieces
    if not others:
        return re.compile(first, re.DOTALL)
    *middle, end = others
    greedy = b"".join(b"(?>.*?" + piece + b")" for piece in middle if piece)
    return re.compile(first + greedy + b".*" + end, re.DOTALL)

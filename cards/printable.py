"""Other people's text, safe to print and to show."""

import re

# Control characters except line feed and tab, line separators, bidirectional controls, surrogates.
# A terminal obeys them, they reorder the text around them, or they cannot be written.
UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    r"""A model's or a user's text as it is safe to print; newlines and tabs stay.

    >>> printable("plain\x1b[2J\n"), printable("a\r\nb")
    ('plain�[2J\n', 'a\nb')
    """
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))

"""Text helpers that all readers of replies share."""

import re

# Characters that take no space on the screen and are not white space to Python.
INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """`text` without NUL and without lone surrogates, which UTF-8 cannot encode."""
    if text.isascii() and "\x00" not in text:
        return text
    return _NOT_STORABLE.sub("\ufffd", text)


def clean(text: str) -> str:
    """`text` in storable characters, with `\\n` as its only line ending."""
    return storable(text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text)


def plain(text: str) -> str:
    """`text` as the patterns of phrases expect it: one line, lower case, straight apostrophes."""
    lowered = text.lower()
    if not text.isascii():
        lowered = lowered.replace("’", "'").replace("‘", "'")
    return " ".join(lowered.split())


def is_blank(text: str) -> bool:
    """True if a reader sees nothing in `text`."""
    shown = text.strip()
    return not shown or (shown[0] > "\x7f" and not INVISIBLE.sub("", shown).strip())


def indent_of(line: str) -> int:
    """The columns before the text of `line`, with tab stops every four."""
    if not line[:1].isspace():
        return 0
    lead = line[: len(line) - len(line.lstrip())]
    return len(lead.expandtabs(4))

"""What a cell of a file says: text, nothing, or a picture."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from builders.instructions.record import Unusable

# What datasets and spreadsheets write where there is no input. Not NA: that is sodium, too.
_NOTHING = re.compile(
    r"[<\[({]?\s*(no[\s_-]*(input|context)|none|null|nan|n/a|not applicable)\s*[>\])}]?\.?",
    re.IGNORECASE,
)
# What stands in a text for a picture: tokens of templates, and pictures inside of Markdown. HTML's
# own tags, such as <img src=…> and <video>, may be what an instruction is about.
_PICTURE = re.compile(
    r"<image(?:[_ ]?(?:\d+|placeholder|here|pad|soft_token))?>|<\|image[^|>]{0,20}\|>"
    r"|<\|vision_start\|>|<start_of_image>|<imagehere>|\[IMG\]"
    r"|!\[[^\]]{0,200}\]\(data:image/",
    re.IGNORECASE,
)


def is_missing(value: Any) -> bool:
    """Whether a cell is empty: null, NaN, blank, or a list or mapping of nothing."""
    if isinstance(value, float):
        return math.isnan(value)
    return not value.strip() if isinstance(value, str) else value in (None, [], {})


def text_of(value: Any, name: str) -> str | None:
    """The text in the column `name`, stripped; None if it is empty. `Unusable` if it is no text."""
    if is_missing(value):
        return None
    if not isinstance(value, str):
        raise Unusable("wrong_type", f"{name} is {type(value).__name__}, not text")
    return storable(value.strip())


def asked_text(value: Any, name: str) -> str | None:
    """As `text_of`, where words for "no input" are none, and a picture is `Unusable`."""
    text = text_of(value, name)
    if text is None or _NOTHING.fullmatch(text):
        return None
    return without_picture(text, name)


def without_picture(text: str, name: str) -> str:
    """`text`; `Unusable` if part of it is a picture that it only stands for."""
    if ("<" in text or "[" in text) and (picture := _PICTURE.search(text)):
        raise Unusable("has_media", f"{name} has a placeholder for a picture, {picture[0]!r}")
    return text


def words_in(value: Any) -> Iterator[str]:
    """The texts in a cell, in its lists and mappings too, that have a letter in them."""
    if isinstance(value, str):
        if any(character.isalpha() for character in value) and not _is_no_text(value):
            yield value.strip()
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from words_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from words_in(item)


def _is_no_text(value: str) -> bool:
    """Whether letters spell a value of another type, or none, as CSV has them."""
    text = value.strip()
    return text.casefold() in ("true", "false") or _NOTHING.fullmatch(text) is not None


def storable(text: str) -> str:
    """`text` without lone surrogates, which JSON can spell and UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-8", errors="replace").decode()

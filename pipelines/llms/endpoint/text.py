"""Text from outside, made fit for a terminal line, a parquet column and an error message."""

import re
from urllib.parse import quote

DETAIL_LENGTH = 300


def clean(text: str) -> str:
    """`text` with lone surrogates replaced, so that it encodes as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", "\ufffd", text)
    return text


def one_line(text: str, length: int = DETAIL_LENGTH) -> str:
    """`text` without control characters, with single spaces, cut at `length` characters."""
    line = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", clean(text)).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def redact(text: str, key: str | None) -> str:
    """`text` without the key, also where the endpoint encoded it or cut it short.

    A "key" of fewer than four characters is a placeholder for a server that needs none.
    """
    if not key or len(key) < 4:
        return text
    forms = {key, quote(key, safe="")}
    starts = {form[:end] for form in forms for end in range(min(len(form), 8), len(form) + 1)}
    # The longest first: the rest of a key whose beginning is gone would not be recognized.
    for start in sorted(starts, key=len, reverse=True):
        text = text.replace(start, "***")
    return text

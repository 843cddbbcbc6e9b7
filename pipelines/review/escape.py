"""Texts that Argilla's page can write into a script.

The page writes a record, with its suggestions and the annotator's responses, into an inline script:
as JSON, by JavaScript's `String.replace`. "</script" in a text would end the script, what follows
it would run with the annotator's session, and "$'" or "#TEMPLATE#" would be replaced by other parts
of the page. An invisible character keeps such signs apart. It is removed where a text is shown
(`page/frame.js`) or read; `page/keys.js` does the same with what annotators write.
"""

import re
from typing import Any

_JOINER = "\u2060"
_UNSAFE = re.compile(r"<(?=/?script|!--)|\$(?=[$&`'])|#(?=TEMPLATE#)", re.IGNORECASE)
_GUARDED = re.compile(f"([<$#]){_JOINER}+")


def guarded(value: Any) -> Any:
    """`value`, a text or JSON with texts in it, with a joiner within each sign that is unsafe."""
    if isinstance(value, str):
        return _UNSAFE.sub(lambda sign: sign[0] + _JOINER, value)
    if isinstance(value, list | tuple):
        return [guarded(each) for each in value]
    if isinstance(value, dict):
        return {key: guarded(each) for key, each in value.items()}
    return value


def unguarded(value: Any) -> Any:
    """An answer as it was written; the opposite of `guarded`."""
    return _GUARDED.sub(r"\1", value) if isinstance(value, str) else value

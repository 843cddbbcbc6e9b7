"""Marks around the texts that a judge reads, so that none of them can speak for the prompt.

A text that is judged may have headings, scores or orders to its judge. Each text of a prompt
stands between `<data-MARK>` and `</data-MARK>`. MARK is a hash of all of them, so that a row is
asked in the same words every time, and none of them contains it.

`PromptTemplate.render` gives every template `mark` and the filter `data`, and
`templates/_conversation.j2` has the sentence that says what they mean. The prompt of another judge
includes that file and `_criteria.j2`, and writes `{{ answer | data(mark) }}` for each further text.
"""

import hashlib
from collections.abc import Iterable


def mark_of(texts: Iterable[str | None], digits: int = 8) -> str:
    """Hexadecimal digits that are in none of the texts: `digits` of their hash, or more if need be.

    >>> mark_of(["Name a lake.", None, "Lake Geneva."])
    'bf25f608'
    """
    joined = "\0".join(text for text in texts if text)
    hashed, lowered = hashlib.shake_256(joined.encode(errors="surrogatepass")), joined.lower()
    while (mark := hashed.hexdigest(digits // 2)) in lowered:
        digits += 2
    return mark


def between_marks(text: str, mark: str) -> str:
    """`text` as a prompt shows it, on lines of its own."""
    return f"<data-{mark}>\n{text}\n</data-{mark}>"

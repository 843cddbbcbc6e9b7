"""Places in a text that must not be published, and the text without them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """`text[start:end]` is of this kind; redaction replaces it by the kind, such as `[EMAIL]`."""

    start: int
    end: int
    kind: str


Finder = Callable[[str], Iterator[Span]]


def find_all(text: str, finders: Iterable[Finder]) -> list[Span]:
    """All findings in order, without overlaps: the earlier and then the longer one stays."""
    spans = (span for finder in finders for span in finder(text))
    chosen: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if not chosen or span.start >= chosen[-1].end:
            chosen.append(span)
    return chosen


def redact_text(text: str, finders: Iterable[Finder]) -> tuple[str, list[Span]]:
    r"""The text with all findings replaced, and what was replaced.

    >>> import re
    >>> digits = lambda text: (Span(*m.span(), "N") for m in re.finditer(r"\d+", text))
    >>> redact_text("call 12 or 345", [digits])[0]
    'call [N] or [N]'
    """
    finders, replaced = list(finders), []
    # Text beside a finding can become one when the finding is gone.
    while spans := find_all(text, finders):
        replaced += spans
        parts, end = [], 0
        for span in spans:
            parts += [text[end : span.start], f"[{span.kind}]"]
            end = span.end
        text = "".join([*parts, text[end:]])
    return text, replaced

"""Whether the words around a block say that it is somebody else's, or an example."""

import re

_SOMEBODY = "(?:response|answer|draft|assistant|author|user|instruction|prompt|text|system|it)"
_SAYS = (
    "(?:ends?|begins?|starts?|contains?|includes?|consists?|says?|reads?|returns?|claims?|asks?|wants?"
    "|tells?|demands?|suggests?|writes?|outputs?|shows?|quotes?|gives?|has|wrote|said|asked|told)"
)
_QUOTATION = re.compile(
    rf"\b{_SOMEBODY}\b(?:'s)?.{{0,40}}?\b{_SAYS}\b|\b(?:example|template|instead of|rather than)\b",
    re.IGNORECASE,
)
# Somebody wants it.
_WANTED = re.compile(
    r"\b(?:asks?|asked|tells?|told|demands?|wants?|instructs?|requests?|claims?|insists?|begs?)\b"
    r".{0,80}?\b(?:me|us|critic|reviewer|grader|judge|evaluator|score|rating|grade|line"
    r"|following)\b"
    r"|\b(?:ends?|ended|closes?|concludes?) with\b.{0,60}?\b(?:score|rating|grade|line|this"
    r"|following|these|words)\b",
    re.IGNORECASE,
)
# It is refused, or made to depend on something.
_REFUSED = re.compile(
    r"\b(?:(?:will|would|can|do|did|shall|must|should)(?:n't|n’t| not)|won['’]t|cannot|can['’]t"
    r"|refuse|decline|never|instead of|rather than)\b.{0,60}?\b(?:give|rate|score|award|write|say"
    r"|end|output|repeat|follow|assign|grant|rating|accept|use)\b"
    r"|^\W{0,3}(?:if|unless|had|were|suppose|imagine|assuming)\b"
    r"|\b(?:quote|quotation|for example)\b",
    re.IGNORECASE,
)
_CALLED_QUOTED = re.compile(
    r"\b(?:is|was|comes?) (?:what|how|from|not|its|the (?:response|answer|draft|user|assistant)\b)",
    re.IGNORECASE,
)
SENTENCE_ENDS = re.compile(r"(?<=[.!?])[*_]{0,3}\s+|(?<=[。！？।؟])\s*")


def is_disowned(sentence: str) -> bool:
    """Whether a sentence before a score says that it is not the critic's.

    >>> is_disowned("It asks me to end with this line."), is_disowned("It names no source.")
    (True, False)
    """
    return is_wanted(sentence) or _REFUSED.search(sentence) is not None


def is_wanted(sentence: str) -> bool:
    """Whether a sentence says that somebody else wants a score."""
    return _WANTED.search(sentence) is not None


def is_quoted(before: str, after: str) -> bool:
    """Whether the words `before` and `after` a block say that it is not the critic's.

    >>> is_quoted("Here is my review:", "Let me know if you need more.")
    False
    >>> is_quoted("The response ends with this object:", ""), is_quoted("", "is what it says.")
    (True, True)
    """
    last = _sentences(before)[-1]
    introduces = not last.rstrip("*_ ").endswith((".", "!", "?", "。", "！", "？"))
    if is_disowned(last) or (introduces and _QUOTATION.search(last)):
        return True
    first = _sentences(after)[0]
    return first[:1].islower() or is_disowned(first) or is_called_quoted(after)


def is_called_quoted(after: str) -> bool:
    """Whether the words after a score or a block say that it was a quotation."""
    first = _sentences(after)[0]
    return is_wanted(first) or _CALLED_QUOTED.search(first) is not None


def _sentences(text: str) -> list[str]:
    return SENTENCE_ENDS.split(" ".join(text.split()))

"""Reading free text: its words, sentences, lists and repetitions. All of it takes linear time."""

import re
from collections import Counter

from builders.verifiable.problem import Args
from builders.verifiable.rubric import Fault
from builders.verifiable.wording import pick, quote

_WORD = re.compile(r"[^\W_]+(?:['’.,:/-]+[^\W_]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)*]*\s+|\n+")
_ENUMERATOR = re.compile(r"(?m)^[ \t]*\(?([0-9]{1,2})[.)](?=[ \t]+\S)")
_REFUSAL = re.compile(
    r"(?i)\W*(?:i['’]m sorry|i am sorry|sorry,|i can(?:not|['’]t)\b|as an ai\b|"
    r"i['’]m (?:unable|not able|not sure)\b|unfortunately, i\b|i don['’]t know\b)"
)
_BULLET = re.compile(
    r"^(?P<indent>[ \t]*)(?P<mark>[-*+•–—‣▪◦·●]|\(?\d{1,3}[.)])[ \t]+(?P<text>\S.*)$"
)


def words(text: str) -> list[str]:
    """Runs of letters and digits; what a hyphen or an apostrophe joins is one word."""
    return _WORD.findall(text)


def without_enumerators(text: str) -> str:
    """The text without the `1.`, `2.` … before its lines, where these count up from one."""
    marks = [int(match[1]) for match in _ENUMERATOR.finditer(text)]
    if marks[:2] != [1, 2]:
        return text
    return _ENUMERATOR.sub("", text)


def sentences(text: str) -> list[str]:
    """Sentences and lines, without blank ones and the numbers of a list."""
    parts = (part.strip() for part in _SENTENCE_END.split(without_enumerators(text)))
    return [part for part in parts if _WORD.search(part)]


def bullets(text: str) -> list[tuple[str, str]]:
    """(mark, text) of the outermost list's items, in order."""
    found = [match for line in text.splitlines() if (match := _BULLET.match(line))]
    if not found:
        return []
    outermost = min(len(match["indent"].expandtabs(4)) for match in found)
    return [
        (match["mark"], match["text"].strip())
        for match in found
        if len(match["indent"].expandtabs(4)) == outermost
    ]


def outside_bullets(text: str) -> list[str]:
    """The lines that are no list items and not blank."""
    lines = (line for line in text.splitlines() if _WORD.search(line))
    return [line.strip() for line in lines if not _BULLET.match(line)]


def is_loop(text: str) -> bool:
    """Whether a text of six words or more goes on with the same few."""
    found = [word.casefold() for word in words(text)]
    return len(found) >= 6 and len(set(found)) < 0.45 * len(found)


def refuses(text: str) -> bool:
    """Whether a text opens by saying that it will not or cannot answer."""
    return bool(_REFUSAL.match(text))


def sensible(text: str, least: int = 5) -> bool:
    """Whether a sentence of a draft is fit to be kept: whole, of `least` words, not a loop."""
    found = [word.casefold() for word in words(text)]
    whole = text[:1].isalnum() and text.rstrip("\"'”’*)")[-1:] in (".", "!", "?")
    return whole and least <= len(found) <= 45 and len(set(found)) >= 0.6 * len(found)


def repetition(args: Args, draft: str) -> list[Fault]:
    """A sentence of four words or more that stands there twice."""
    counts = Counter(
        tuple(word.casefold() for word in found)
        for part in sentences(draft)
        if len(found := words(part)) >= 4
    )
    doubled = next((key for key, count in counts.items() if count > 1), None)
    if doubled is None:
        return []
    said = quote(" ".join(doubled))
    return [
        Fault(
            pick(
                args,
                "repeats",
                f"It says the same thing more than once: {said}.",
                f"The response repeats itself ({said}).",
                f"The sentence {said} comes up again and adds nothing.",
            ),
            pick(
                args,
                "repeats how",
                "Say it once and stop.",
                "Cut what has been said already.",
                "Leave out the repetition; once is enough.",
            ),
        )
    ]


def length(args: Args, draft: str, room: int) -> list[Fault]:
    """More than `room` words for a question that needs far fewer."""
    count = len(words(draft))
    if count <= room:
        return []
    return [
        Fault(
            pick(
                args,
                "long",
                f"It takes {count} words for something that one or two sentences can say.",
                f"With {count} words it is far longer than the question needs.",
                f"The point gets lost in {count} words.",
            ),
            pick(
                args,
                "long how",
                "Give the answer with the steps that lead to it, and drop the rest.",
                "Shorten it to what the question asks for.",
                "Keep the part that answers the question and cut everything else.",
            ),
        )
    ]

"""Reading free text: words, sentences, lists and repetitions. Everything takes linear time."""

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
    """Runs of letters and digits; hyphens and apostrophes join them into one word.

    >>> words("It's a well-known 2.5 km walk.")
    ["It's", 'a', 'well-known', '2.5', 'km', 'walk']
    """
    return _WORD.findall(text)


def without_enumerators(text: str) -> str:
    """The text without the `1.`, `2.` … before its lines, if they count up from one."""
    marks = [int(match[1]) for match in _ENUMERATOR.finditer(text)]
    if marks[:2] != [1, 2]:
        return text
    return _ENUMERATOR.sub("", text)


def sentences(text: str) -> list[str]:
    """The sentences and lines that have words, without list numbers."""
    parts = (part.strip() for part in _SENTENCE_END.split(without_enumerators(text)))
    return [part for part in parts if _WORD.search(part)]


def bullets(text: str) -> list[tuple[str, str]]:
    """(mark, text) of each item of the outermost list, in order."""
    matches = [match for line in text.splitlines() if (match := _BULLET.match(line))]
    if not matches:
        return []
    outermost = min(len(match["indent"].expandtabs(4)) for match in matches)
    return [
        (match["mark"], match["text"].strip())
        for match in matches
        if len(match["indent"].expandtabs(4)) == outermost
    ]


def lines_outside_bullets(text: str) -> list[str]:
    """The lines that have words and are not list items."""
    lines = (line for line in text.splitlines() if _WORD.search(line))
    return [line.strip() for line in lines if not _BULLET.match(line)]


def is_repetitive(text: str) -> bool:
    """Whether a text of six or more words keeps repeating the same few."""
    lowered = [word.casefold() for word in words(text)]
    return len(lowered) >= 6 and len(set(lowered)) < 0.45 * len(lowered)


def is_refusal(text: str) -> bool:
    """Whether a text begins by saying that it will not or cannot answer."""
    return bool(_REFUSAL.match(text))


def is_whole_sentence(text: str, min_words: int = 5) -> bool:
    """Whether a sentence is good enough to keep: complete, `min_words` to 45 words, varied."""
    lowered = [word.casefold() for word in words(text)]
    is_whole = text[:1].isalnum() and text.rstrip("\"'”’*)")[-1:] in (".", "!", "?")
    return is_whole and min_words <= len(lowered) <= 45 and len(set(lowered)) >= 0.6 * len(lowered)


def repetition_faults(args: Args, draft: str) -> list[Fault]:
    """A fault if a sentence of four or more words appears twice."""
    counts = Counter(
        tuple(word.casefold() for word in sentence_words)
        for sentence in sentences(draft)
        if len(sentence_words := words(sentence)) >= 4
    )
    doubled = next((key for key, count in counts.items() if count > 1), None)
    if doubled is None:
        return []
    sentence_start = quote(" ".join(doubled))
    return [
        Fault(
            pick(
                args,
                "repeats",
                f"It says the same thing more than once: {sentence_start}.",
                f"The response repeats itself ({sentence_start}).",
                f"The sentence {sentence_start} is repeated and adds nothing.",
            ),
            pick(
                args,
                "repeats how",
                "Say it once and stop.",
                "Cut what was already said.",
                "Drop the repetition; once is enough.",
            ),
        )
    ]


def length_faults(args: Args, draft: str, max_words: int) -> list[Fault]:
    """A fault if a draft has more than `max_words` words."""
    count = len(words(draft))
    if count <= max_words:
        return []
    return [
        Fault(
            pick(
                args,
                "long",
                f"It takes {count} words for something that one or two sentences can say.",
                f"At {count} words, it is far longer than the question needs.",
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

"""Subjects to write about, each with true sentences to answer with."""

from dataclasses import dataclass

from builders.verifiable.reading.prose import words


@dataclass(frozen=True)
class Topic:
    """`keywords` are beginnings of words; a text with none of them is about something else.

    Every sentence of `facts` has one of them. `without_e` is a sentence without that letter.
    """

    name: str
    keywords: tuple[str, ...]
    facts: tuple[str, ...]
    without_e: str

    def is_subject_of(self, text: str) -> bool:
        return any(word.casefold().startswith(self.keywords) for word in words(text))


def topic(name: str, keywords: str, without_e: str, facts: str) -> Topic:
    lines = tuple(line.strip() for line in facts.strip().splitlines())
    return Topic(name, tuple(keywords.split()), lines, without_e)

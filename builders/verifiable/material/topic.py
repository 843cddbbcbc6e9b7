"""Topics to write about, each with true sentences."""

from dataclasses import dataclass

from builders.verifiable.reading.prose import words


@dataclass(frozen=True)
class Topic:
    """A topic; `keywords` are word prefixes, and a text without any of them is off topic.

    Every sentence in `facts` has a keyword. `without_e` is a sentence without the letter e.
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

"""What reading a reply comes to, and the text helpers that all readers share."""

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Critique:
    weaknesses: list[str]
    suggestions: list[str]
    score: int | None

    def as_row(self) -> dict[str, Any]:
        """The critique in the shape of `schema.CRITIQUE`."""
        return {
            "weaknesses": list(self.weaknesses),
            "suggestions": list(self.suggestions),
            "score": self.score,
        }


@dataclass(frozen=True, slots=True)
class Review:
    """`refinement` is None in an assessment only; `score_problem` is a key of REASONS."""

    critique: Critique
    refinement: str | None
    no_change: bool
    score_problem: str | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """`reason` is a key of REASONS; `detail` quotes what was found, in up to 200 characters."""

    reason: str
    detail: str


def storable(text: str) -> str:
    """`text` without lone surrogates, which no UTF-8 file can hold, and without NUL."""
    return re.sub("[\x00\ud800-\udfff]", "\ufffd", text)


class Rejected(Exception):
    def __init__(self, reason: str, found: str = "") -> None:
        super().__init__(reason)
        # Half a character may come in as an escape in JSON.
        quote = " ".join(storable(found[:1000]).split())[:200]
        self.rejection = Rejection(reason, quote)


def clean(text: str) -> str:
    """`text` with line ends of one kind and nothing that cannot be stored."""
    return storable(text.replace("\r\n", "\n").replace("\r", "\n"))


def plain(text: str) -> str:
    """For comparison with the patterns above: one line, small letters, straight quotes."""
    return " ".join(text.lower().replace("’", "'").replace("‘", "'").split())

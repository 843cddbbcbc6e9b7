"""The result of reading a reply: its critique and refinement, or the reason to reject it."""

from dataclasses import dataclass

from builders.critique.replies.text import storable
from builders.rows import Row


@dataclass(frozen=True, slots=True)
class Critique:
    """Weaknesses and suggestions point by point, and a score from 1 to 10 or None."""

    weaknesses: list[str]
    suggestions: list[str]
    score: int | None

    def as_row(self) -> Row:
        """The critique in the shape of `schema.CRITIQUE`."""
        return {
            "weaknesses": list(self.weaknesses),
            "suggestions": list(self.suggestions),
            "score": self.score,
        }


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """A reply that could be read. Only an assessment has no refinement.

    `score_problem`, a key of REASONS, says why the critique has no score.
    """

    critique: Critique
    refinement: str | None
    no_change: bool  # the refinement is the draft
    score_problem: str | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """`reason` is a key of REASONS; `detail` quotes the place, in up to 200 characters."""

    reason: str
    detail: str


class UnreadableReply(Exception):
    """Raised by every reader; the parser returns its `rejection`."""

    def __init__(self, reason: str, quote: str = "") -> None:
        super().__init__(reason)
        # An escape in JSON can decode to a lone surrogate.
        one_line = " ".join(storable(quote[:1000]).split())
        self.rejection = Rejection(reason, one_line[:200])

"""The turns of a training config as texts that stand for ledger columns.

`builders.training.sft_table` makes training rows of these; `builders.training.sft.to_sft` says the
same row by row.
"""

from dataclasses import dataclass
from enum import Enum

from builders.critique.prompts import PARTS, Message, chat
from builders.training.sft import SftForm, review_turns


class Column(str):
    """The name of a ledger column, in the place of its text."""


@dataclass(frozen=True)
class Feedback:
    """What `render_feedback` makes of the `critique` column and, if given, the refinement."""

    critique: str
    refinement: str | None = None
    parts: tuple[str, ...] = PARTS


@dataclass(frozen=True)
class Request:
    """What `request` makes of the `criteria` column."""

    parts: tuple[str, ...] = PARTS
    refined: bool = True


class Rows(Enum):
    """Which rows have a turn, by what the independent critique of their refinement leaves open."""

    ALL = "all"
    DONE = "changed by a model, and nothing is left to improve"
    UNFINISHED = "changed by a model, and something is left to improve"


@dataclass(frozen=True)
class Turn:
    """A turn of the assistant that is learned: the texts of `prompt` are columns or fixed."""

    name: str
    prompt: tuple[Message, ...]
    completion: Column | Feedback
    rows: Rows = Rows.ALL


_SYSTEM, _INSTRUCTION = Column("system"), Column("instruction")
# All turns of the column `history`; their roles are in it.
HISTORY = Column("history")
_HISTORY: tuple[Message, ...] = ({"role": "", "content": HISTORY},)


# The conversation up to the instruction.
QUESTION: tuple[Message, ...] = tuple(chat(_INSTRUCTION, _SYSTEM, _HISTORY))


def turns_of(form: SftForm) -> list[Turn]:
    """The turns that a kept ledger row may have, in their order."""
    if form.refine_only:
        return [Turn("refinement", QUESTION, Column("refinement"))]
    if form.critique_only:
        asked = _reviewed("draft", refined=False)
        return [Turn("critique", asked, Feedback("critique"))]
    drafted = [Turn("draft", QUESTION, Column("draft"))] if form.draft else []
    feedback = Feedback("critique", "refinement", form.parts)
    return [
        *drafted,
        Turn("feedback", _reviewed("draft", parts=form.parts), feedback),
        *(_balancing() if form.balanced else []),
    ]


def _balancing() -> list[Turn]:
    repeated = Feedback("refinement_assessment", "refinement")
    return [
        Turn("feedback", _reviewed("refinement"), repeated, Rows.DONE),
        *(
            Turn(
                "assessment",
                _reviewed(part, refined=False),
                Feedback(f"{part}_assessment"),
                Rows.UNFINISHED,
            )
            for part in ("draft", "refinement")
        ),
    ]


def _reviewed(
    answer: str, *, parts: tuple[str, ...] = PARTS, refined: bool = True
) -> tuple[Message, ...]:
    *turns, asked = review_turns(_INSTRUCTION, Column(answer), system=_SYSTEM, history=_HISTORY)
    return (*turns, {**asked, "content": Request(parts, refined)})

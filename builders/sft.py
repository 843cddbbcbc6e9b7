"""Training rows: one for each turn that the assistant is to learn.

The conversation is `user: instruction → assistant: draft → user: request → assistant: feedback
and refinement`. Each assistant turn is a row of its own with all that came before it as prompt,
so that TRL masks rightly without a patched chat template, and so that the trained model can be
asked each thing apart: to answer, to review a given answer, to refine it. `review_turns` is also
what the pipelines send to a trained model, so training and use read the same text.

What a form has of each row is said here once, as turns whose texts stand for columns; the rows
are made by `builders.sft_table`.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cache

from builders.prompts import PARTS, Message, chat, request_prompt


@dataclass(frozen=True)
class SftForm:
    """What a config trains on. The paper's ablations (Table 4) leave parts out.

    `draft` says whether the draft itself is trained on; `refine_only` trains on the refinement
    as a direct answer, with neither draft nor feedback; `balanced` also shows good answers scored
    high, so that only the answer can tell the model which score to give: a refinement that leaves
    nothing to improve is reviewed by the same request and repeated; where something is left, the
    independent reviews of both answers are added.
    """

    parts: tuple[str, ...] = PARTS
    draft: bool = True
    refine_only: bool = False
    balanced: bool = False


SFT_FORMS: dict[str, SftForm] = {
    "sft": SftForm(),
    "sft-no-score": SftForm(parts=("weaknesses", "suggestions")),
    "sft-no-weaknesses": SftForm(parts=("suggestions", "score")),
    "sft-no-suggestions": SftForm(parts=("weaknesses", "score")),
    "sft-no-feedback": SftForm(parts=()),
    "sft-refinement-only": SftForm(refine_only=True),
    "sft-draft-masked": SftForm(draft=False),
    "sft-balanced": SftForm(balanced=True),
}


@cache
def _request(parts: tuple[str, ...], refined: bool) -> str:
    return request_prompt(parts=parts, refined=refined).render()


def review_turns(
    instruction: str,
    answer: str,
    *,
    system: str | None = None,
    parts: tuple[str, ...] = PARTS,
    refined: bool = True,
) -> list[Message]:
    """The conversation that asks a trained model to review `answer`, and to refine it or not."""
    return [
        *chat(instruction, system),
        {"role": "assistant", "content": answer},
        {"role": "user", "content": _request(parts, refined)},
    ]


class Column(str):
    """The name of a ledger column, in the place of a text of it."""


@dataclass(frozen=True)
class Feedback:
    """What `render_feedback` writes of the `critique` column and, where given, the refinement."""

    critique: str
    refinement: str | None = None
    parts: tuple[str, ...] = PARTS


class Rows(Enum):
    """Which rows have a turn, by what the independent review leaves of their refinement."""

    ALL = "all"
    DONE = "changed by a model, and nothing is left to improve"
    UNFINISHED = "changed by a model, and something is left to improve"


@dataclass(frozen=True)
class Turn:
    """A turn of the assistant that is learnt: the texts of `prompt` are columns or fixed."""

    name: str
    prompt: tuple[Message, ...]
    completion: Column | Feedback
    rows: Rows = Rows.ALL


_SYSTEM, _INSTRUCTION = Column("system"), Column("instruction")


def turns_of(form: SftForm) -> list[Turn]:
    """The turns that a kept ledger row may have, in their order."""
    question = tuple(chat(_INSTRUCTION, _SYSTEM))
    if form.refine_only:
        return [Turn("refinement", question, Column("refinement"))]
    drafted = [Turn("draft", question, Column("draft"))] if form.draft else []
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
    return tuple(
        review_turns(_INSTRUCTION, Column(answer), system=_SYSTEM, parts=parts, refined=refined)
    )

"""Training rows: one for each turn that the assistant is to learn.

The conversation is `user: instruction → assistant: draft → user: request → assistant: feedback
and refinement`, after the system prompt and the history where the row has them. Each assistant
turn is a row of its own with everything before it as the prompt, so that TRL masks correctly
without a patched chat template, and so that a trained model can be asked for each of these
separately: to answer, to critique a given answer, to refine it. The pipelines send `review_turns`
to a trained model, so training and use read the same text.

`to_sft` is the definition. A release makes the same rows by columns
(`builders.training.sft_table`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from builders.critique.prompts import PARTS, Message, chat, request_prompt
from builders.critique.render import render_feedback
from builders.rows import Row
from builders.rows.schema import HUMAN


@dataclass(frozen=True)
class SftForm:
    """What a config trains on. The paper's ablations (Table 4) leave parts out.

    `draft` says whether the draft itself is trained on. `refine_only` trains on the refinement as
    a direct answer, with neither draft nor feedback. `balanced` also shows good answers with high
    scores, so that the model can tell the score only from the answer: if the independent critique
    of the refinement finds nothing to improve, the refinement is critiqued in answer to the same
    request, and repeated; otherwise the independent critiques of both answers are added.
    `critique_only` trains on the critique of a given answer, as critique fine-tuning does
    (arXiv 2501.17703).
    """

    parts: tuple[str, ...] = PARTS
    draft: bool = True
    refine_only: bool = False
    balanced: bool = False
    critique_only: bool = False


SFT_FORMS: dict[str, SftForm] = {
    "sft": SftForm(),
    "sft-no-score": SftForm(parts=("weaknesses", "suggestions")),
    "sft-no-weaknesses": SftForm(parts=("suggestions", "score")),
    "sft-no-suggestions": SftForm(parts=("weaknesses", "score")),
    "sft-no-feedback": SftForm(parts=()),
    "sft-refinement-only": SftForm(refine_only=True),
    "sft-draft-masked": SftForm(draft=False),
    "sft-balanced": SftForm(balanced=True),
    "critique": SftForm(critique_only=True),
}


@lru_cache(maxsize=1024)
def request(parts: tuple[str, ...], refined: bool, criteria: str | None = None) -> str:
    """The text of the user's turn that asks for a critique."""
    return request_prompt(parts=parts, refined=refined).render(criteria=criteria)


def review_turns(
    instruction: str,
    answer: str,
    *,
    system: str | None = None,
    history: Sequence[Message] = (),
    criteria: str | None = None,
    parts: tuple[str, ...] = PARTS,
    refined: bool = True,
) -> list[Message]:
    """The conversation that asks a trained model to critique `answer`, and to refine it or not.

    The criteria are in the request: who answers has not seen them, who judges has.
    """
    return [
        *chat(instruction, system, history),
        {"role": "assistant", "content": answer},
        {"role": "user", "content": request(parts, refined, criteria)},
    ]


def to_sft(row: Mapping[str, Any], form: SftForm) -> Iterator[Row]:
    """The training rows of one kept ledger row, in the order of its turns."""
    refinement, draft = row["refinement"], row["draft"]
    if form.refine_only:
        yield _training_row(row, "refinement", _question(row), refinement)
        return
    if form.critique_only:
        prompt = _reviewed(row, draft, refined=False)
        yield _training_row(row, "critique", prompt, render_feedback(row["critique"]))
        return
    if form.draft:
        yield _training_row(row, "draft", _question(row), draft)
    feedback = render_feedback(row["critique"], refinement, parts=form.parts)
    yield _training_row(row, "feedback", _reviewed(row, draft, parts=form.parts), feedback)
    # A person's correction has scores and no critiques: empty ones would teach nothing.
    if form.balanced and refinement != draft and row["source"] != HUMAN:
        yield from _balancing(row)


def _balancing(row: Mapping[str, Any]) -> Iterator[Row]:
    critique = row["refinement_assessment"]
    if not critique["weaknesses"] and not critique["suggestions"]:
        feedback = render_feedback(critique, row["refinement"])
        yield _training_row(row, "feedback", _reviewed(row, row["refinement"]), feedback)
        return
    for part in ("draft", "refinement"):
        prompt = _reviewed(row, row[part], refined=False)
        yield _training_row(row, "assessment", prompt, render_feedback(row[f"{part}_assessment"]))


def _question(row: Mapping[str, Any]) -> list[Message]:
    return chat(row["instruction"], row["system"], row["history"])


def _reviewed(row: Mapping[str, Any], answer: str, **options: Any) -> list[Message]:
    conversation = {name: row[name] for name in ("system", "history", "criteria")}
    return review_turns(row["instruction"], answer, **conversation, **options)


def _training_row(row: Mapping[str, Any], turn: str, prompt: list[Message], completion: str) -> Row:
    answer = [{"role": "assistant", "content": completion}]
    return {"id": row["id"], "turn": turn, "prompt": prompt, "completion": answer}

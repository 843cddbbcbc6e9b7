"""Training rows: one for each turn that the assistant is to learn.

The conversation is `user: instruction → assistant: draft → user: request → assistant: feedback
and refinement`. Each assistant turn is a row of its own with all that came before it as prompt,
so that TRL masks rightly without a patched chat template, and so that the trained model can be
asked each thing apart: to answer, to review a given answer, to refine it. `turns` is also what
the pipelines send to a trained model, so training and use read the same text.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from builders.feedback import render_feedback
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


def _row(id_: str, turn: str, prompt: list[Message], completion: str) -> dict[str, Any]:
    return {
        "id": id_,
        "turn": turn,
        "prompt": prompt,
        "completion": [{"role": "assistant", "content": completion}],
    }


def to_sft(row: Mapping[str, Any], form: SftForm) -> Iterator[dict[str, Any]]:
    """The training rows of one kept ledger row."""
    instruction, system, draft = row["instruction"], row["system"], row["draft"]
    question = chat(instruction, system)
    if form.refine_only:
        yield _row(row["id"], "refinement", question, row["refinement"])
        return
    if form.draft:
        yield _row(row["id"], "draft", question, draft)
    yield _row(
        row["id"],
        "feedback",
        review_turns(instruction, draft, system=system, parts=form.parts),
        render_feedback(row["critique"], row["refinement"], parts=form.parts),
    )
    if form.balanced and row["refinement"] != draft:
        yield from _balancing(row)


def _balancing(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    instruction, system, refinement = row["instruction"], row["system"], row["refinement"]
    review = row["refinement_assessment"]
    if not review["weaknesses"] and not review["suggestions"]:
        prompt = review_turns(instruction, refinement, system=system)
        yield _row(row["id"], "feedback", prompt, render_feedback(review, refinement))
        return
    for part in ("draft", "refinement"):
        prompt = review_turns(instruction, row[part], system=system, refined=False)
        yield _row(row["id"], "assessment", prompt, render_feedback(row[f"{part}_assessment"]))

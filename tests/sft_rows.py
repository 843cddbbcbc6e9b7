"""Training rows as one would write them row by row, for tests."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from builders.feedback import render_feedback
from builders.prompts import chat
from builders.schema import LEDGER
from builders.sft import SftForm, review_turns
from builders.sft_table import Taught, sft_table


def to_sft(row: Mapping[str, Any], form: SftForm) -> list[dict[str, Any]]:
    """The training rows that a release has of one kept ledger row."""
    columns = {name: row.get(name) for name in LEDGER}
    table = pa.Table.from_pylist([columns], LEDGER.arrow_schema)
    return sft_table(Taught(table), form).to_pylist()


def expected_rows(row: Mapping[str, Any], form: SftForm) -> Iterator[dict[str, Any]]:
    """The same, by another way: one row after the other, from the texts themselves."""
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
    if form.balanced and row["refinement"] != draft and row["source"] != "human":
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


def _row(id_: str, turn: str, prompt: list, completion: str) -> dict[str, Any]:
    answer = [{"role": "assistant", "content": completion}]
    return {"id": id_, "turn": turn, "prompt": prompt, "completion": answer}

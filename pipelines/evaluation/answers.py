"""A model's answers to instructions: its draft, and the refinement after its own critique."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from builders.evaluation.annotations import item_key
from builders.evaluation.rows import ANSWER_ROWS
from builders.rows import Row
from builders.rows.schema import new_ledger_row
from builders.settings import FilterSettings
from pipelines.audit.judges import AskedModel
from pipelines.evaluation.parts import Asking, ask_rows, spent_on
from pipelines.generate.self_critique import SelfCritiqueTask
from pipelines.generate.tasks import CritiqueTask, DraftTask
from pipelines.llms.factory import Models

_CONVERSATION = ("instruction", "system", "history", "task", "criteria")


def item_of(row: Row) -> str:
    return item_key(row["instruction"], row["history"], row["system"] or "")


def answers(
    title: str,
    model: AskedModel,
    instructions: Sequence[Row],
    folder: Path,
    asking: Asking,
    *,
    refine: bool,
) -> list[Row]:
    """Rows of `ANSWER_ROWS` for rows of {instruction, system, history, task, criteria}.

    Parts are kept in `folder`. A checkpoint of this project criticizes its draft in the words that
    it was trained on, another model by the critic's prompt. Only the draft is asked for unless
    `refine`.
    """
    rows = [
        new_ledger_row(id=item_of(row), **{name: row[name] for name in _CONVERSATION})
        for row in instructions
    ]

    def steps(models: Models) -> list[Any]:
        return answer_steps(model, models, asking.seed, refine=refine)

    return ask_rows(title, rows, steps, _kept, ANSWER_ROWS, folder, asking)


def answer_steps(model: AskedModel, models: Models, seed: int, *, refine: bool) -> list[Any]:
    settings = {
        "llm": models.get(model.block),
        "seed": seed,
        "system": model.block.system,
        "price": model.block.price,
    }
    draft = DraftTask(name="draft", keep_truncated=True, **settings)
    if not refine:
        return [draft]
    settings["filters"] = FilterSettings(keep_no_change=True)
    if model.trained:
        return [draft, SelfCritiqueTask(name="critique", **settings)]
    return [draft, CritiqueTask(name="critique", as_json=model.as_json, **settings)]


def _kept(row: Row) -> Row:
    draft = row["draft"]
    if draft is None and row["reason"] != "call_failed":
        # A model that says nothing has answered with nothing.
        draft = ""
    return {
        "item": row["id"],
        **{name: row[name] for name in _CONVERSATION},
        "draft": draft,
        "refinement": row["refinement"],
        "reason": row["reason"],
        "detail": row["detail"],
        **spent_on(row),
    }

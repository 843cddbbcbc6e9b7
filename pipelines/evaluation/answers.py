"""A model's answers to instructions: its draft, and the refinement after its own critique."""

from collections.abc import Sequence
from pathlib import Path

from builders.evaluation.annotations import item_key
from builders.evaluation.rows import ANSWER_ROWS
from builders.rows import Row
from builders.rows.schema import new_ledger_row
from builders.settings import FilterSettings
from pipelines import dag
from pipelines.asking.asking import Asking, spent_on
from pipelines.audit.judges import AskedModel
from pipelines.generate.self_critique import SelfCritiqueTask
from pipelines.generate.tasks import CritiqueTask, DraftTask
from pipelines.llms.factory import Models
from pipelines.recipe.models import Price

_CONVERSATION = ("instruction", "system", "history", "task", "criteria")


def item_of(row: Row) -> str:
    return item_key(row["instruction"], row["history"], row["system"] or "")


def answers_asked(
    model: AskedModel,
    instructions: Sequence[Row],
    folder: Path,
    *,
    refine: bool,
    seed: int = 0,
    price: Price | None = None,
) -> Asking:
    """`model` is asked for answers to rows of {instruction, system, history, task, criteria}.

    A checkpoint of this project criticizes its draft in the words that it was trained on, another
    model by the critic's prompt. Only the draft is asked for unless `refine`.
    """
    rows = [
        new_ledger_row(id=item_of(row), **{name: row[name] for name in _CONVERSATION})
        for row in instructions
    ]

    def steps(models: Models) -> list[dag.Task]:
        return answer_steps(model, models, seed, refine=refine, price=price)

    return Asking(
        name=model.name,
        block=model.block,
        folder=folder,
        row_type=ANSWER_ROWS,
        steps=steps,
        answer=_answer,
        id_of=lambda answer: answer["item"],
        rows=rows,
        price=price,
    )


def answer_steps(
    model: AskedModel,
    models: Models,
    seed: int,
    *,
    refine: bool,
    price: Price | None = None,
) -> list[dag.Task]:
    """The draft and, if `refine`, the critique with its refinement."""
    settings = {
        "llm": models.get(model.block),
        "seed": seed,
        "system": model.block.system,
        "price": price,
    }
    draft = DraftTask(name="draft", keep_truncated=True, **settings)
    if not refine:
        return [draft]
    settings["filters"] = FilterSettings(keep_no_change=True)
    if model.trained:
        return [draft, SelfCritiqueTask(name="critique", **settings)]
    return [draft, CritiqueTask(name="critique", as_json=model.as_json, **settings)]


def _answer(row: Row) -> Row:
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

"""What an audit asks a model: its score of each answer, alone."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from builders.audit.judge import Judge
from builders.audit.rows import ANSWER_ROWS
from builders.rows import Row
from builders.rows.schema import new_ledger_row
from pipelines import dag
from pipelines.asking.asking import Asking
from pipelines.audit.judges import AskedModel
from pipelines.audit.tasks import score_task
from pipelines.llms.factory import Models
from pipelines.recipe.models import Price

# How many pairs are asked about twice, to see how often the judge changes its mind.
REPEATED_PAIRS = 50
_CALL = ("model", "template", "tokens_in", "tokens_out", "cost", "latency", "finish_reason")


def questions(pairs: Sequence[Row], repeat: int) -> list[Row]:
    """A row for each answer of each pair, and for the first pairs again if `repeat` is 2."""
    asked = [(pair, 1) for pair in pairs]
    asked += [(pair, 2) for pair in pairs[:REPEATED_PAIRS] if repeat > 1]
    return [
        new_ledger_row(
            id=f"{pair['id']} {side} {times}",
            source=pair["source"],
            license=pair["license"],
            system=pair["system"],
            history=pair["history"],
            instruction=pair["instruction"],
            criteria=pair["criteria"],
            refinement=pair[f"answer_{side}"],
        )
        for pair, times in asked
        for side in "ab"
    ]


def scores_asked(
    model: AskedModel, rows: Sequence[Row], folder: Path, price: Price | None = None, seed: int = 0
) -> Asking:
    """`model` is asked for its score of each of `rows`, which stands there as the refinement."""

    def steps(models: Models) -> list[dag.Task]:
        return [score_task(model, models.get(model.block), seed, price)]

    return Asking(
        name=model.name,
        block=model.block,
        folder=folder,
        row_type=ANSWER_ROWS,
        steps=steps,
        answer=_answer,
        id_of=lambda answer: f"{answer['pair']} {answer['side']} {answer['times']}",
        rows=rows,
        price=price,
    )


def judge_of_answers(model: AskedModel, answers: Sequence[Row]) -> Judge:
    """The model with the scores that it gave."""
    scores: dict[int, dict[str, dict[str, float | None]]] = {1: {}, 2: {}}
    unreadable = Counter[str]()
    for row in answers:
        scores[row["times"]].setdefault(row["pair"], {})[row["side"]] = row["score"]
        if row["score"] is None and row["times"] == 1:
            # The row's reason is that the score is missing, and its detail why.
            detail = (row["detail"] or "").partition(":")[0]
            unreadable[
                detail if row["reason"] == "refinement_score_missing" else row["reason"]
            ] += 1
    by_times = [
        {pair: (sides["a"], sides["b"]) for pair, sides in own.items()} for own in scores.values()
    ]
    likely = [one for row in answers if (one := row["score_probability"]) is not None]
    probability = sum(likely) / len(likely) if likely else None
    return Judge(model.facts, *by_times, dict(unreadable), score_probability=probability)


def _answer(row: Row) -> Row:
    pair, side, times = row["id"].rsplit(" ", 2)
    call = row["calls"][-1] if row["calls"] else {}
    return {
        "pair": pair,
        "side": side,
        "times": int(times),
        "score": row["refinement_score"],
        "score_probability": row.get("score_probability"),
        "reason": row["reason"],
        "detail": row["detail"],
        **{name: call.get(name) for name in _CALL},
    }

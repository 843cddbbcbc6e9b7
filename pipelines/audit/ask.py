"""Asks a model for its score of each answer, alone, through the pipeline that runs use.

Each batch is on disk before the next is written. The same command continues after an interruption,
and nothing that was paid for is paid for twice.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from builders.audit.judge import Judge
from builders.audit.rows import ANSWER_ROWS
from builders.errors import RunFailed
from builders.files.parquet import write_parquet
from builders.rows import Row
from builders.rows.read import read_rows
from builders.rows.schema import new_ledger_row
from pipelines import dag
from pipelines.audit.judges import AskedModel
from pipelines.audit.tasks import score_task
from pipelines.generate.build import require_answers
from pipelines.generate.failed_rows import may_pass
from pipelines.generate.steps import LoadRows
from pipelines.generate.tasks import ScoreTask
from pipelines.llms.factory import Models
from pipelines.recipe.models import OpenAIModel, Price, TransformersModel

BATCH = 32
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


@dataclass(frozen=True)
class Asking:
    """What one judge is asked: a row for each answer, and the folder that keeps its replies."""

    model: AskedModel
    rows: Sequence[Row]
    folder: Path
    price: Price | None = None
    seed: int = 0

    @property
    def is_complete(self) -> bool:
        return len(self.answers()) == len(self.rows) and not self._failed()

    def answers(self) -> list[Row]:
        """The answers on disk: those of the first of `rows`, in the same order."""
        return [row for path in self._parts() for row in read_rows(path, ANSWER_ROWS)]

    def pipeline(self, models: Models) -> dag.Pipeline:
        """Asks for the answers that are not on disk."""
        return self._pipeline(models, self.rows[len(self.answers()) :])

    def ask(
        self,
        models: Models,
        load: Callable[[dag.Pipeline], list[Any]],
        *,
        stop: threading.Event | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Ask for the answers that are not on disk, then once more for those that failed.

        `load` turns a pipeline into loaded steps. RunFailed if an endpoint fails most answers of a
        batch, or `stop` was set: the same call continues.
        """
        done = len(self.answers())
        if done < len(self.rows):
            for batch in dag.stream(load(self.pipeline(models)), stop):
                require_answers(self.folder, batch, first=not done)
                self._write(self.folder / f"part-{done:09d}.parquet", map(_answer, batch))
                done += len(batch)
                if progress:
                    progress(done, len(self.rows))
        if done < len(self.rows):
            raise RunFailed(
                f"{self.folder}: stopped after {done:,} of {len(self.rows):,} answers; the same "
                "command continues"
            )
        if failed := self._failed():
            for batch in dag.stream(load(self._pipeline(models, failed)), stop):
                require_answers(self.folder, batch)
                self._replace([_answer(row) for row in batch])
            if stop and stop.is_set():
                raise RunFailed(f"{self.folder}: stopped; the same command continues")

    def _pipeline(self, models: Models, rows: Sequence[Row]) -> dag.Pipeline:
        with dag.Pipeline(name="srt-audit") as pipeline:
            answers = LoadRows(name="load", rows=list(rows), batch_size=self._batch_size)
            answers >> self._score_step(models)
        return pipeline

    @property
    def _batch_size(self) -> int:
        """Weights in this process decode what they get together, and more at once is faster."""
        block = self.model.block
        local = block.generation_batch_size if isinstance(block, TransformersModel) else 0
        return max(BATCH, local)

    def _score_step(self, models: Models) -> ScoreTask:
        return score_task(self.model, models.get(self.model.block), self.seed, self.price)

    def _parts(self) -> list[Path]:
        return sorted(self.folder.glob("part-*.parquet"))

    def _failed(self) -> list[Row]:
        """The rows whose call failed at an endpoint for a cause that may pass."""
        if not isinstance(self.model.block, OpenAIModel):
            return []
        pairs = zip(self.rows, self.answers(), strict=True)
        return [
            row
            for row, answer in pairs
            if answer["reason"] == "call_failed" and may_pass(answer["detail"])
        ]

    def _replace(self, answers: Sequence[Row]) -> None:
        """Write answers to rows that were asked again into their places."""
        by_row = {_key(answer): answer for answer in answers}
        for path in self._parts():
            rows = list(read_rows(path, ANSWER_ROWS))
            if any(_key(row) in by_row for row in rows):
                self._write(path, [by_row.get(_key(row), row) for row in rows])

    def _write(self, path: Path, answers: Iterable[Row]) -> None:
        """One part, named by the number of answers before it."""
        answers = list(answers)
        for answer in answers:
            ANSWER_ROWS.validate(answer)
        table = pa.Table.from_pylist(answers, schema=ANSWER_ROWS.schema)
        write_parquet(path, table)


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


def _key(answer: Row) -> tuple[str, str, int]:
    return answer["pair"], answer["side"], answer["times"]


def cost_of(answers: Sequence[Row]) -> dict[str, Any]:
    """How many answers, and what they cost together."""

    def total(name: str) -> Any:
        known = [row[name] for row in answers if row[name] is not None]
        return sum(known) if known else None

    return {"answers": len(answers), **{k: total(k) for k in ("tokens_in", "tokens_out", "cost")}}

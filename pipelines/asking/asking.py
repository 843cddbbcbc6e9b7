"""What one model is asked: rows that go through model calls, and their answers on disk.

Each batch of answers is on disk before the next is written. The same call continues after an
interruption.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from builders.errors import RunFailed
from builders.files.parquet import write_parquet
from builders.rows import Row
from builders.rows.read import read_rows
from builders.rows.row_type import RowType
from pipelines import dag
from pipelines.generate.build import require_answers
from pipelines.generate.failed_rows import may_pass
from pipelines.generate.steps import LoadRows
from pipelines.llms.factory import Models
from pipelines.recipe.models import AnyModel, OpenAIModel, Price, TransformersModel

BATCH = 32
# So many rows, and this share of all, may be left without an answer.
_FEW, _FEW_SHARE = 3, 0.05
_SPENT = ("tokens_in", "tokens_out", "cost")


@dataclass(frozen=True)
class Asking:
    """What one model is asked: `rows` of the ledger's columns, and the folder of the answers.

    The rows go through `steps`, and `answer` makes one of `row_type` of each. That has the columns
    tokens_in, tokens_out and cost, and `reason` and `detail` of a row without an answer; `id_of` is
    the id of the row that it is of. `price` is per million tokens, where they are paid for.
    """

    name: str
    block: AnyModel
    folder: Path
    row_type: RowType
    steps: Callable[[Models], Sequence[dag.Task]]
    answer: Callable[[Row], Row]
    id_of: Callable[[Row], str]
    rows: Sequence[Row] = ()
    price: Price | None = None

    @property
    def is_paid(self) -> bool:
        return isinstance(self.block, OpenAIModel)

    @property
    def is_complete(self) -> bool:
        return not self._missing() and not self.failed()

    def stored(self) -> list[Row]:
        """All answers on disk, in the order in which they were asked for."""
        return [row for path in self._parts() for row in read_rows(path, self.row_type)]

    def answers(self) -> list[Row]:
        """The answers to `rows` that are on disk, in the same order."""
        by_id = {self.id_of(answer): answer for answer in self.stored()}
        return [by_id[row["id"]] for row in self.rows if row["id"] in by_id]

    def failed(self) -> list[Row]:
        """The rows whose call failed at an endpoint for a cause that may pass."""
        ids = {self.id_of(answer) for answer in self.stored() if self._has_failed(answer)}
        return [row for row in self.rows if row["id"] in ids]

    def spent(self) -> dict[str, float]:
        """What the answers on disk cost; those that failed are asked for again, and count then."""
        totals = dict.fromkeys(_SPENT, 0.0)
        for answer in self.stored():
            if not self._has_failed(answer):
                for name in _SPENT:
                    totals[name] += answer[name] or 0
        return totals

    def pipeline(self, models: Models) -> dag.Pipeline:
        """Asks for the answers that are not on disk, or failed."""
        return self._pipeline(models, [*self._missing(), *self.failed()])

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
        batch, or many in the end, or `stop` was set: the same call continues.
        """
        missing, done = self._missing(), len(self.stored())
        asked = len(self.rows) - len(missing)
        if missing:
            for batch in dag.stream(load(self._pipeline(models, missing)), stop):
                require_answers(self.folder, batch, first=not done)
                self._write(self.folder / f"part-{done:09d}.parquet", map(self.answer, batch))
                done += len(batch)
                asked += len(batch)
                if progress:
                    progress(asked, len(self.rows))
        if asked < len(self.rows):
            raise RunFailed(
                f"{self.folder}: stopped after {asked:,} of {len(self.rows):,} answers; the same "
                "command continues"
            )
        if failed := self.failed():
            for batch in dag.stream(load(self._pipeline(models, failed)), stop):
                self._replace([self.answer(row) for row in batch])
            if stop and stop.is_set():
                raise RunFailed(f"{self.folder}: stopped; the same command continues")
            self._require_answers()

    def _pipeline(self, models: Models, rows: Sequence[Row]) -> dag.Pipeline:
        with dag.Pipeline(name="srt-asking") as pipeline:
            # A copy, because steps write into rows, which may be asked again.
            copies = [{**row, "calls": list(row["calls"])} for row in rows]
            previous: Any = LoadRows(name="load", rows=copies, batch_size=self._batch_size)
            for step in self.steps(models):
                previous >> step
                previous = step
        return pipeline

    @property
    def _batch_size(self) -> int:
        """Weights in this process decode what they get together, and more at once is faster."""
        block = self.block
        local = block.generation_batch_size if isinstance(block, TransformersModel) else 0
        return max(BATCH, local)

    def _parts(self) -> list[Path]:
        return sorted(self.folder.glob("part-*.parquet"))

    def _missing(self) -> list[Row]:
        known = {self.id_of(answer) for answer in self.stored()}
        return [row for row in self.rows if row["id"] not in known]

    def _has_failed(self, answer: Row) -> bool:
        return self.is_paid and answer["reason"] == "call_failed" and may_pass(answer["detail"])

    def _require_answers(self) -> None:
        """RunFailed if more than a few rows have failed a second time."""
        failed = [answer for answer in self.stored() if self._has_failed(answer)]
        if len(failed) > max(_FEW, _FEW_SHARE * len(self.rows)):
            raise RunFailed(
                f"{self.folder}: {len(failed):,} of {len(self.rows):,} rows got no answer "
                f"({failed[-1]['detail']}); the same command tries them again"
            )

    def _replace(self, answers: Sequence[Row]) -> None:
        """Write answers to rows that were asked again into their places."""
        by_id = {self.id_of(answer): answer for answer in answers}
        for path in self._parts():
            rows = list(read_rows(path, self.row_type))
            if any(self.id_of(row) in by_id for row in rows):
                self._write(path, [by_id.get(self.id_of(row), row) for row in rows])

    def _write(self, path: Path, answers: Iterable[Row]) -> None:
        """One part, named by the number of answers before it."""
        answers = list(answers)
        for answer in answers:
            self.row_type.validate(answer)
        write_parquet(path, pa.Table.from_pylist(answers, schema=self.row_type.schema))


def spent_on(row: Row) -> Row:
    """Tokens and cost of a row's calls; None where no call reported them."""
    return {name: _total(call[name] for call in row["calls"]) for name in _SPENT}


def cost_of(answers: Sequence[Row]) -> dict[str, Any]:
    """How many answers, and what they cost together; None where no call reported it."""
    totals = {name: _total(row[name] for row in answers) for name in _SPENT}
    return {"answers": len(answers), **totals}


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None

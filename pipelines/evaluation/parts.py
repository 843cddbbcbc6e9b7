"""Rows that go through model calls and are written in parts, so that nothing is paid for twice.

Each batch is on disk before the next is written. The same call continues after an interruption.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
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
from pipelines.generate.steps import LoadRows
from pipelines.llms.budget import Budget
from pipelines.llms.factory import Models
from pipelines.llms.store import CompletionStore

BATCH = 32


@dataclass(frozen=True)
class Asking:
    """How models are asked: `budget_tokens` bounds the tokens of each kind of rows."""

    seed: int = 0
    budget_tokens: int | None = None
    store: CompletionStore | None = None
    stop: threading.Event | None = None
    progress: Callable[[str, int, int], None] | None = None


def ask_rows(
    title: str,
    rows: Sequence[Row],
    steps: Callable[[Models], Sequence[Any]],
    kept: Callable[[Row], Row],
    row_type: RowType,
    folder: Path,
    asking: Asking,
) -> list[Row]:
    """`kept` of each row after it passed `steps`; those of an interrupted call are on disk.

    RunFailed if an endpoint fails most rows of a batch, or the call was stopped.
    """
    done = list(_read(folder, row_type))
    if len(done) >= len(rows):
        return done
    spent = sum((row["tokens_in"] or 0) + (row["tokens_out"] or 0) for row in done)
    budget = None
    if asking.budget_tokens:
        budget = Budget(asking.budget_tokens, "tokens", spent=spent)
    models = Models(asking.store, budget)
    with dag.Pipeline(name=f"srt-evaluate-{title}") as pipeline:
        previous: Any = LoadRows(name="load", rows=list(rows[len(done) :]), batch_size=BATCH)
        for step in steps(models):
            previous >> step
            previous = step
    loaded = dag.load(pipeline)
    models.check()
    for batch in dag.stream(loaded, asking.stop):
        require_answers(folder, batch, first=not done)
        part = [kept(row) for row in batch]
        _write(folder, len(done), part, row_type)
        done += part
        if asking.progress:
            asking.progress(title, len(done), len(rows))
    if len(done) < len(rows):
        raise RunFailed(
            f"{folder}: stopped after {len(done):,} of {len(rows):,}; the same command continues"
        )
    return done


def spent_on(row: Row) -> Row:
    """Tokens and cost of a row's calls; None where no call reported them."""
    totals = {}
    for name in ("tokens_in", "tokens_out", "cost"):
        known = [call[name] for call in row["calls"] if call[name] is not None]
        totals[name] = sum(known) if known else None
    return totals


def cost_of(rows: Sequence[Row]) -> dict[str, Any]:
    """How many rows were asked for, and what they cost together; None where nobody said."""
    totals: dict[str, Any] = {"rows": len(rows)}
    for name in ("tokens_in", "tokens_out", "cost"):
        known = [row[name] for row in rows if row[name] is not None]
        totals[name] = sum(known) if known else None
    return totals


def _read(folder: Path, row_type: RowType) -> Iterator[Row]:
    for path in sorted(folder.glob("part-*.parquet")):
        yield from read_rows(path, row_type)


def _write(folder: Path, done: int, rows: Sequence[Row], row_type: RowType) -> None:
    """One part, named by the number of rows before it."""
    for row in rows:
        row_type.validate(row)
    table = pa.Table.from_pylist(list(rows), schema=row_type.schema)
    write_parquet(folder / f"part-{done:09d}.parquet", table)

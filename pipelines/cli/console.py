"""What commands print: results on stdout, progress and notices on stderr."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from builders.funnel import Funnel
from builders.reasons import REASONS

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

# The pipeline's steps that take time, and what they are called in front of people.
_STEPS = {
    "draft": "draft",
    "critique": "critique",
    "score": "score",
    "keep_or_drop": "written",
}
_PLAIN_EVERY = 30.0  # seconds between progress lines where there is no terminal


@contextmanager
def working(note: str) -> Iterator[None]:
    """A spinner with `note` on a terminal, and nothing elsewhere."""
    with err.status(note) if err.is_terminal else nullcontext():
        yield


def print_json(facts: Mapping[str, Any]) -> None:
    print(json.dumps(facts, indent=2, ensure_ascii=False))


class RunProgress:
    """A bar for each step on a terminal, a line every 30 s elsewhere; a run's observer."""

    def __init__(self) -> None:
        self._said = time.monotonic()
        self._total = 0
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "RunProgress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars:
            self._bars.stop()

    def begin(self, done: Funnel, total: int) -> None:
        self._total = total
        if not err.is_terminal:
            return
        self._bars = Progress(
            TextColumn("{task.description:>10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[brief]}", style="dim"),
            console=err,
        )
        for step, label in _STEPS.items():
            self._tasks[step] = self._bars.add_task(
                label, total=total, completed=done.rows, pace="", brief=""
            )
        self._bars.start()

    def passed(self, step: str, batch: list[dict[str, Any]]) -> None:
        if self._bars and step in self._tasks and step != "keep_or_drop":
            self._advance(step, len(batch), "")

    def written(self, done: Funnel) -> None:
        if self._bars:
            task = self._bars.tasks[self._tasks["keep_or_drop"]]
            self._advance("keep_or_drop", done.rows - int(task.completed), _brief(done))
        elif time.monotonic() - self._said >= _PLAIN_EVERY:
            self._said = time.monotonic()
            err.print(f"{done.rows} of {self._total} rows, {_brief(done)}")

    def _advance(self, step: str, rows: int, brief: str) -> None:
        task = self._bars.tasks[self._tasks[step]]
        self._bars.advance(task.id, rows)
        pace = f"{task.speed:.1f} rows/s" if task.speed else ""
        self._bars.update(task.id, pace=pace, brief=brief)


class RowsProgress:
    """A bar for each stage, on a terminal; called with the stage and the rows done in it.

    `stages` has the rows of each, None where nobody knows them.
    """

    def __init__(self, stages: Mapping[str, int | None]) -> None:
        columns = (
            TextColumn("{task.description:>10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self._bars = Progress(*columns, console=err, disable=not err.is_terminal)
        self._tasks = {
            stage: self._bars.add_task(stage, total=total) for stage, total in stages.items()
        }

    def __enter__(self) -> "RowsProgress":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, stage: str, rows: int) -> None:
        self._bars.update(self._tasks[stage], completed=rows)


def _brief(funnel: Funnel) -> str:
    kept = f"{funnel.kept / funnel.rows:.0%} kept" if funnel.rows else "0 kept"
    drops = ", ".join(f"{count} {reason}" for reason, count in funnel.dropped.most_common(3))
    money = f", cost {funnel.cost:.2f}" if funnel.cost is not None else ""
    tokens = f"{funnel.tokens_in + funnel.tokens_out:,} tokens{money}"
    return f"{kept}{f' ({drops})' if drops else ''}, {tokens}"


def print_funnel(facts: Mapping[str, Any]) -> None:
    """The funnel of a run, its drop reasons and its mean scores, as a person reads them."""
    stages = {
        "rows": "instructions drawn",
        "drafted": "drafted",
        "critiqued": "critiqued",
        "scored": "scored independently",
        "kept": "kept",
    }
    for key, label in stages.items():
        out.print(f"{facts[key]:>8,}  {label}")
    for reason, count in facts["dropped"].items():
        out.print(f"{count:>8,}  dropped: {reason} ({REASONS[reason]})", style="dim", markup=False)
    if facts["mean_draft_score"] is not None:
        out.print(
            f"mean independent score of kept rows: draft {facts['mean_draft_score']:.2f}, "
            f"refinement {facts['mean_refinement_score']:.2f}"
        )
    spent = f"{facts['calls']:,} calls, {facts['tokens_in']:,} tokens in, "
    spent += f"{facts['tokens_out']:,} out"
    if facts["cost"] is not None:
        spent += f", cost {facts['cost']:.4f}"
    out.print(spent)

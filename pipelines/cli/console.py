"""Output of the commands: results on stdout, progress and messages on stderr."""

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from itertools import islice
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment
from rich.text import Text

from builders.ledger.funnel import Funnel
from builders.rows.ids import is_first_sample
from builders.rows.reasons import REASONS
from builders.wording import counted
from cards.printable import UNPRINTABLE, printable
from pipelines.cli.answers import answers_panel


class _PlainConsole(Console):
    """A console on which strangers' text stays text: neither markup nor terminal codes work."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, soft_wrap=True, markup=False)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            # rich's own codes, of bars and colors, are control segments and styles.
            if segment.control:
                yield segment
            else:
                yield Segment(printable(segment.text), segment.style)


out = _PlainConsole()
err = _PlainConsole(stderr=True)

# The steps of a pipeline that take time, and their labels. Further scorers have their own.
_STEPS = {
    "draft": "draft",
    "critique": "critique",
    "score": "score",
    "keep_or_drop": "written",
}
_PLAIN_EVERY = 30.0  # seconds between progress lines where there is no terminal


def notify(line: str) -> None:
    """Print a message for the user."""
    err.print(line)


@contextmanager
def working(note: str) -> Iterator[None]:
    """A spinner with `note` on a terminal, and nothing elsewhere."""
    with err.status(Text(note)) if err.is_terminal else nullcontext():
        yield


def print_json(facts: Mapping[str, Any]) -> None:
    """Print `facts` as JSON; what must not reach a terminal is escaped, which changes no value."""
    written = json.dumps(facts, indent=2, ensure_ascii=False)
    print(UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", written))


class BuildProgress:
    """Follows the build of one run after another (a `BuildObserver`).

    It shows a bar for each step on a terminal, and elsewhere prints a line every 30 s. The first
    `show` rows that are kept and whose draft was changed are printed when they are made.
    """

    def __init__(self, show: int = 0) -> None:
        self._to_show = show
        self._last_line = time.monotonic()
        self._total = 0
        self._done = 0
        self._lock = threading.Lock()
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "BuildProgress":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the bars away, so that results can be printed; the next `begin` makes new ones."""
        if self._bars:
            self._bars.stop()
            self._bars = None

    def begin(self, done: Funnel, total: int) -> None:
        self._total = total
        if not err.is_terminal:
            return
        self._bars = Progress(
            TextColumn("{task.description:>10}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}", markup=False),
            TimeRemainingColumn(),
            TextColumn("{task.fields[brief]}", style="dim", markup=False),
            console=err,
        )
        self._tasks = {}
        self._done = done.instructions
        for step, label in _STEPS.items():
            self._add_bar(step, label)
        self._bars.start()

    def _add_bar(self, step: str, label: str) -> None:
        self._tasks[step] = self._bars.add_task(
            label, total=self._total, completed=self._done, pace="", brief=""
        )

    def passed(self, step: str, batch: list[dict[str, Any]]) -> None:
        if step == "keep_or_drop":
            kept = (row for row in batch if row["status"] == "kept")
            self._show(row for row in kept if row["refinement"] != row["draft"])
            return
        if not self._bars:
            return
        with self._lock:
            if step.startswith("score_") and step not in self._tasks:
                self._add_bar(step, step.replace("_", " "))
        if step in self._tasks:
            self._advance(step, sum(is_first_sample(row["id"]) for row in batch), "")

    def written(self, done: Funnel) -> None:
        if self._bars:
            task = self._bars.tasks[self._tasks["keep_or_drop"]]
            self._advance("keep_or_drop", done.instructions - int(task.completed), _brief(done))
        elif time.monotonic() - self._last_line >= _PLAIN_EVERY:
            self._last_line = time.monotonic()
            unit = "rows" if done.rows == done.instructions else "instructions"
            err.print(f"{done.instructions} of {self._total} {unit}, {_brief(done)}")

    def _show(self, rows: Iterable[dict[str, Any]]) -> None:
        with self._lock:
            chosen = list(islice(rows, self._to_show))
            self._to_show -= len(chosen)
        for row in chosen:
            err.print(answers_panel(row, title=f"{row['source']} {row['id']}"))

    def _advance(self, step: str, rows: int, brief: str) -> None:
        task = self._bars.tasks[self._tasks[step]]
        self._bars.advance(task.id, rows)
        pace = f"{task.speed:.1f} rows/s" if task.speed else ""
        self._bars.update(task.id, pace=pace, brief=brief)


class AnswersProgress:
    """A bar for each judge of an audit on a terminal; called with its role and the answers done."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description:>10}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self._bars = Progress(*columns, console=err, disable=not err.is_terminal)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "AnswersProgress":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, role: str, done: int, total: int) -> None:
        if role not in self._tasks:
            self._tasks[role] = self._bars.add_task(role, total=total)
        self._bars.update(self._tasks[role], completed=done)


class RowsProgress:
    """A bar for each stage on a terminal; called with the stage and the rows done in it.

    `stages` has the total rows of each, None if unknown.
    """

    def __init__(self, stages: Mapping[str, int | None]) -> None:
        columns = (
            TextColumn("{task.description:>10}", markup=False),
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
    """The funnel of a run, its drop reasons, mean scores, tokens and cost."""
    several = "instructions" in facts
    if several:
        out.print(f"{facts['instructions']:>8,}  instructions drawn")
    stages = {
        "rows": "drafts of them" if several else "instructions drawn",
        "drafted": "drafted",
        "critiqued": "critiqued",
        "scored": "scored independently",
        "kept": "kept",
    }
    for key, label in stages.items():
        out.print(f"{facts[key]:>8,}  {label}")
    for reason, count in facts["dropped"].items():
        out.print(f"{count:>8,}  dropped: {reason} ({REASONS[reason]})", style="dim")
    if facts["mean_draft_score"] is not None:
        out.print(
            f"mean independent score of kept rows: draft {facts['mean_draft_score']:.2f}, "
            f"refinement {facts['mean_refinement_score']:.2f}"
        )
    for control in facts.get("controls", ()):
        out.print(_agreement(control))
    cost = f", cost {facts['cost']:.4f}" if facts["cost"] is not None else ""
    tokens = f"{facts['tokens_in']:,} tokens in, {facts['tokens_out']:,} out"
    if facts["calls"] and not facts["tokens_in"] + facts["tokens_out"]:
        tokens = "tokens not reported"
    out.print(f"{counted(facts['calls'], 'call')}, {tokens}{cost}")


def _agreement(control: Mapping[str, Any]) -> str:
    """How far another scorer agrees with the one that decides, in a line."""
    unreadable = counted(control["unreadable"], "row")
    line = f"scorer {control['model']}: "
    if control["rows"]:
        line += (
            f"prefers the same answer on {control['same_sign']:.1%} of "
            f"{counted(control['rows'], 'row')} (95% interval {control['low']:.1%} to "
            f"{control['high']:.1%}), "
        )
    if control["correlation"] is not None:
        line += f"correlation of the margins {control['correlation']:.2f}, "
    return f"{line}no score of {unreadable}"

"""What commands print: results on stdout, progress and notices on stderr."""

import json
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from builders.funnel import Funnel
from builders.reasons import REASONS

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_PLAIN_EVERY = 30.0  # seconds between progress lines where there is no terminal


def print_json(facts: Mapping[str, Any]) -> None:
    print(json.dumps(facts, indent=2, ensure_ascii=False))


class RunProgress:
    """A bar on a terminal, a line every 30 s elsewhere; call it with the funnel so far."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._said = time.monotonic()
        self._bar: Progress | None = None

    def __enter__(self) -> "RunProgress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, funnel: Funnel, total: int) -> None:
        if err.is_terminal:
            self._draw(funnel, total)
        elif time.monotonic() - self._said >= _PLAIN_EVERY:
            self._said = time.monotonic()
            err.print(f"{self._title}: {funnel.rows} of {total} rows, {_brief(funnel)}")

    def _draw(self, funnel: Funnel, total: int) -> None:
        if self._bar is None:
            self._bar = Progress(
                TextColumn(self._title),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[brief]}"),
                TimeRemainingColumn(),
                console=err,
            )
            self._task = self._bar.add_task("", total=total, brief="")
            self._bar.start()
        self._bar.update(self._task, completed=funnel.rows, brief=_brief(funnel))


def _brief(funnel: Funnel) -> str:
    kept = f"{funnel.kept / funnel.rows:.0%} kept" if funnel.rows else "0 kept"
    money = f", cost {funnel.cost:.2f}" if funnel.cost is not None else ""
    return f"{kept}, {funnel.tokens_in + funnel.tokens_out:,} tokens{money}"


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

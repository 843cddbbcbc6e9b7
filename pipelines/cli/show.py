"""`srt show`: the rows themselves, side by side."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from builders.rows.reasons import REASONS


def show(
    path: Annotated[Path, typer.Argument(help="A run or a release folder.")],
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID", help="Show the rows with these ids, kept or not.", show_default=False
        ),
    ] = None,
    n: Annotated[int, typer.Option(help="How many rows to show.", min=1)] = 3,
    reason: Annotated[
        str | None, typer.Option(help="Show rows that were dropped for this reason, not kept ones.")
    ] = None,
) -> None:
    """Print draft, critique and refinement side by side."""
    from builders.errors import BadInput
    from builders.ledger.rows import ledger_rows
    from pipelines.cli.console import out

    if ids and reason is not None:
        raise BadInput("--reason chooses among all rows, and an ID names one; give one of the two")
    if reason is not None and reason not in REASONS:
        raise BadInput(f"--reason: {reason!r} is not one of {', '.join(REASONS)}")
    if ids:
        rows = [row for row in ledger_rows(path) if row["id"] in ids]
        if missing := [row_id for row_id in ids if row_id not in {row["id"] for row in rows}]:
            raise BadInput(f"{path}: no row has the id {missing[0]!r}")
    else:
        rows = list(islice((row for row in ledger_rows(path) if row["reason"] == reason), n))
    if not rows:
        raise BadInput(f"{path}: no such rows")
    for row in rows:
        out.print(answers_panel(row, title=f"{row['source']} {row['id']}"))


def answers_panel(row: Mapping[str, Any], title: str) -> Any:
    """A ledger row's draft, critique and refinement side by side, as rich shows them."""
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    from builders.critique.render import render_feedback

    table = Table(expand=True, show_lines=False, box=None)
    columns = {
        f"draft{_score(row['draft_score'])}": row["draft"],
        "critique": render_feedback(row["critique"]) if row["critique"] else row["critic_reply"],
        f"refinement{_score(row['refinement_score'])}": row["refinement"],
    }
    for heading in columns:
        table.add_column(heading, ratio=1, overflow="fold")
    # Text, not str: square brackets in a model's text are not markup.
    table.add_row(*(Text(text or "—") for text in columns.values()))
    grid = Table.grid(expand=True)
    for role, text in _before(row):
        grid.add_row(Text(f"{role}: {text}", style="dim", overflow="fold"))
    grid.add_row(Text(row["instruction"], style="bold", overflow="fold"))
    if row["criteria"] is not None:
        grid.add_row(Text(f"criteria: {row['criteria']}", style="dim", overflow="fold"))
    if row["reason"]:
        detail = f": {row['detail']}" if row["detail"] else ""
        dropped = "dropped: " if row["status"] == "dropped" else ""
        reason = f"{dropped}{row['reason']} ({REASONS[row['reason']]}){detail}"
        grid.add_row(Text(reason, style="red"))
    grid.add_row(table)
    for control in row["control_scores"]:
        grid.add_row(Text(_control(control), style="dim", overflow="fold"))
    return Panel(grid, title=Text(title), title_align="left")


def _before(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the model was sent before the instruction: each turn's role and text."""
    if row["system"] is not None:
        yield "system", row["system"]
    for turn in row["history"]:
        yield turn["role"], turn["content"]


def _score(score: int | None) -> str:
    return "" if score is None else f" · {score}/10"


def _control(control: Mapping[str, Any]) -> str:
    """Another scorer's scores in a line; a dash where it gave none, and why."""
    draft, refinement = (control[f"{part}_score"] or "–" for part in ("draft", "refinement"))
    detail = f" ({control['detail']})" if control["detail"] else ""
    return f"{control['model']}: draft {draft}, refinement {refinement}{detail}"

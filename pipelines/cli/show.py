"""`srt show`: look at the rows themselves."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from builders.reasons import REASONS


def show(
    path: Annotated[Path, typer.Argument(help="A run or a release folder.")],
    n: Annotated[int, typer.Option(help="How many rows.", min=1)] = 3,
    reason: Annotated[
        str | None, typer.Option(help="Show rows dropped for this reason instead of kept ones.")
    ] = None,
) -> None:
    """Print draft, critique and refinement side by side."""
    from builders.errors import BadInput
    from pipelines.cli.console import out

    if reason is not None and reason not in REASONS:
        raise BadInput(f"--reason: {reason!r} is not one of {', '.join(REASONS)}")
    rows = list(islice((row for row in _rows(path) if row["reason"] == reason), n))
    if not rows:
        raise BadInput(f"{path}: no such rows")
    for row in rows:
        out.print(answers_panel(row, title=f"{row['source']} {row['id']}"))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """Ledger rows of a run, or of a release's `ledger` config."""
    from builders.errors import BadInput
    from builders.run import Run
    from builders.tables import read_table

    run = Run(path)
    if run.parts():
        return run.iter_rows()
    files = sorted((path / "ledger").glob("*.parquet"))
    if not files:
        raise BadInput(f"{path}: neither a run nor a release with rows in it")
    return (row for file in files for _, row in read_table(file))


def answers_panel(row: Mapping[str, Any], title: str) -> Any:
    """A ledger row's draft, critique and refinement side by side, as rich shows them."""
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    from builders.feedback import render_feedback

    table = Table(expand=True, show_lines=False, box=None)
    columns = {
        f"draft{_score(row['draft_score'])}": row["draft"],
        "critique": render_feedback(row["critique"]) if row["critique"] else row["critic_reply"],
        f"refinement{_score(row['refinement_score'])}": row["refinement"],
    }
    for heading in columns:
        table.add_column(heading, ratio=1, overflow="fold")
    # Text, not str: a model's square brackets are not our markup.
    table.add_row(*(Text(text or "—") for text in columns.values()))
    instruction = Text(row["instruction"], style="bold", overflow="fold")
    grid = Table.grid(expand=True)
    grid.add_row(instruction)
    if row["reason"]:
        detail = f": {row['detail']}" if row["detail"] else ""
        dropped = "dropped: " if row["status"] == "dropped" else ""
        said = f"{dropped}{row['reason']} ({REASONS[row['reason']]}){detail}"
        grid.add_row(Text(said, style="red"))
    grid.add_row(table)
    return Panel(grid, title=Text(title), title_align="left")


def _score(score: int | None) -> str:
    return "" if score is None else f" · {score}/10"

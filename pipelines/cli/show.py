"""`srt show`: the rows themselves, side by side."""

from itertools import islice
from pathlib import Path
from typing import Annotated

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
    from pipelines.cli.answers import answers_panel
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

"""`srt status`: how far a run has come."""

from pathlib import Path
from typing import Annotated

import typer


def status(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Show what a run has kept and dropped, its tokens and cost, finished or not."""
    from builders.funnel import Funnel
    from builders.run import open_run
    from pipelines.cli import console

    opened = open_run(run)
    complete = opened.read_manifest() is not None
    facts = Funnel.of(opened.iter_rows()).as_facts()
    if as_json:
        console.print_json({"run": str(run), "complete": complete, **facts})
        return
    state = "complete" if complete else "not complete; the same `srt build` command continues it"
    console.out.print(f"{run}: {state}")
    console.print_funnel(facts)

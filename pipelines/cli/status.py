"""`srt status`: the progress of a run."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson


def status(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    as_json: AsJson = False,
) -> None:
    """Show what a run has kept and dropped so far, its tokens and its cost."""
    from builders.ledger.funnel import run_facts
    from builders.ledger.run import open_run
    from pipelines.cli import console

    facts = run_facts(open_run(run))
    if as_json:
        console.print_json(facts)
        return
    complete = facts["complete"]
    state = "complete" if complete else "not complete; the same `srt build` command continues it"
    console.out.print(f"{run}: {state}")
    console.print_funnel(facts)

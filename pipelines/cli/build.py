"""`srt build`: make a run from a recipe."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from builders.run import Run
    from pipelines.recipe import Stage1Recipe

app = typer.Typer(
    help="Generate drafts, critiques and refinements into a run.", no_args_is_help=True
)


@app.callback()
def _group() -> None:
    """A group, so that `srt build stage1` reads as it does with more stages beside it."""


@app.command(
    epilog="Example: srt build stage1 stage1-openai.yaml critic.model=gpt-4.1 --out runs/first"
)
def stage1(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, or the name of a shipped one.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Replace recipe values.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run folder. [default: runs/NAME]", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Draft, critique, refine, score and filter. The same command continues a stopped run."""
    from pipelines.cli import console
    from pipelines.recipe import load_recipe

    checked = load_recipe(recipe, overrides or [])
    run = run_stage1(checked, out or Path("runs") / checked.name)
    facts = run.read_manifest()["funnel"]
    if as_json:
        console.print_json({"run": str(run.folder), **facts})
        return
    console.print_funnel(facts)
    console.out.print(f"run: {run.folder}")
    console.out.print(f"next: srt release {run.folder} --name {checked.name} --version 1.0.0")


def run_stage1(recipe: "Stage1Recipe", folder: Path) -> "Run":
    """Build with progress on stderr; the first Ctrl-C finishes what is under way."""
    from pipelines.cli.console import RunProgress, err

    err.print(f"stage 1 into {folder}; loading the pipeline")
    from pipelines.stage1 import build_stage1

    with stop_on_interrupt() as stop, RunProgress("stage 1") as progress:
        return build_stage1(recipe, folder, progress, stop)


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second one interrupts as usual."""
    from pipelines.cli.console import err

    stop = threading.Event()

    def handle(*_: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        err.print("finishing what is under way; Ctrl-C again stops at once")

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)

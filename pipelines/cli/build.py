"""`srt build`: build a run from a recipe."""

import shlex
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import AsJson, StorePath

if TYPE_CHECKING:
    from builders.ledger.run import Run
    from pipelines.generate.estimate import StepEstimate
    from pipelines.recipe.recipe import Recipe

app = typer.Typer(help="Build a run: drafts, critiques and refinements.", no_args_is_help=True)

RecipeFile = Annotated[
    Path,
    typer.Argument(
        metavar="RECIPE",
        help="A recipe file, the name of a shipped recipe, or a run's own recipe.yaml.",
    ),
]
OverrideArguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Values that replace those of the recipe."),
]
Out = Annotated[
    Path | None,
    typer.Option(help="The run folder.", show_default="runs/NAME, or the run of the recipe"),
]
Limit = Annotated[
    int | None, typer.Option(min=1, help="Stop after this many instructions, as a trial.")
]
Show = Annotated[
    int,
    typer.Option(
        min=0, help="Print the first so many kept rows with a changed draft, when they are made."
    ),
]
Estimate = Annotated[
    bool, typer.Option("--estimate", help="Print calls, tokens and cost, and send nothing.")
]


@app.command(
    epilog="Example: srt build stage1 stage1-openai.yaml critic.model=gpt-4.1 --out runs/first"
)
def stage1(
    recipe: RecipeFile,
    overrides: OverrideArguments = None,
    out: Out = None,
    limit: Limit = None,
    show: Show = 0,
    estimate: Estimate = False,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Draft, criticize, refine, score and filter. The same command continues a stopped run."""
    from pipelines.cli.console import notify
    from pipelines.recipe.file import load_recipe, run_of

    checked = load_recipe(recipe, overrides or [], stage=1, notify=notify)
    out = out or run_of(recipe)
    _build(checked, out, estimate=estimate, store=store, limit=limit, show=show, as_json=as_json)


@app.command(
    epilog="Example: srt build stage2 stage2-embedded.yaml --model checkpoints/stage1-embedded"
)
def stage2(
    recipe: RecipeFile,
    overrides: OverrideArguments = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Drafter and critic: a stage-1 checkpoint, or its name at an endpoint.",
            show_default=False,
        ),
    ] = None,
    out: Out = None,
    limit: Limit = None,
    show: Show = 0,
    estimate: Estimate = False,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Let a trained model criticize and refine its own answers to new instructions.

    Instructions that the checkpoint was trained on are dropped, and near-duplicates of them;
    `disjoint_from` in the recipe names more runs and releases.
    """
    from pipelines.cli.console import notify
    from pipelines.recipe.file import load_recipe, run_of

    checked = load_recipe(recipe, overrides or [], stage=2, model=model, notify=notify)
    out = out or run_of(recipe)
    _build(checked, out, estimate=estimate, store=store, limit=limit, show=show, as_json=as_json)


def _build(
    recipe: "Recipe",
    out: Path | None,
    *,
    estimate: bool,
    store: Path | None,
    limit: int | None,
    show: int,
    as_json: bool,
) -> None:
    """Build the recipe's rounds and print what became of each one's rows, or estimate them."""
    if estimate:
        print_estimate(recipe, limit, as_json=as_json)
        return
    from pipelines.build import build_rounds
    from pipelines.cli import console

    with stop_on_interrupt() as stop, console.BuildProgress(show) as progress:
        runs = build_rounds(
            recipe,
            out,
            limit=limit,
            store=store,
            observer=progress,
            stop=stop,
            notify=console.notify,
        )
        for run in runs:
            progress.close()
            _print_run(run, as_json=as_json)


def _print_run(run: "Run", *, as_json: bool) -> None:
    from builders.ledger.funnel import run_facts
    from pipelines.cli import console

    facts = run_facts(run)
    if as_json:
        console.print_json(facts)
        return
    console.print_funnel(facts)
    console.out.print(f"run: {run.folder}")
    if not facts["complete"]:
        console.out.print("not complete: the same command without --limit does the rest")
    elif facts["kept"]:
        console.out.print(f"next: {_release_command(run.folder)}")
    else:
        console.out.print("no row was kept, so there is nothing to release")


def _release_command(run: Path) -> str:
    """The command that releases a run: as it can be typed, if the run's name can be a release's."""
    from builders.versions import is_name
    from pipelines.release import RELEASES

    name = run.resolve().name
    name = name if is_name(name) else "NAME"
    version = "X.Y.Z" if any(RELEASES.glob(f"{name}@v*")) else "1.0.0"
    return f"srt release {shlex.quote(str(run))} --name {name} --version {version}"


def print_estimate(recipe: "Recipe", limit: int | None, *, as_json: bool) -> None:
    """The calls, tokens and cost of each step."""
    from dataclasses import asdict

    from pipelines.cli import console
    from pipelines.generate.estimate import estimate_run

    steps, counted = estimate_run(recipe, limit)
    if as_json:
        console.print_json({"counted": counted, "steps": [asdict(step) for step in steps]})
        return
    if not steps:
        console.out.print("no model is called: drafts and critiques are given or computed")
        return
    print_steps(steps, counted)


def print_steps(steps: "Sequence[StepEstimate]", counted: str) -> None:
    """A line for each step, and the total cost; `counted` says how the prompts were counted."""
    from pipelines.cli import console

    console.out.print(f"prompts counted {counted}; answers of typical length (maximum in brackets)")
    for step in steps:
        console.out.print(
            f"{step.step:>18}: {step.calls:,} calls to {step.model}, "
            f"{step.tokens_in:,} ({step.tokens_in_at_most:,}) tokens in, "
            f"{step.tokens_out:,} ({step.tokens_out_at_most:,}) out{_cost_of(step)}"
        )
    priced = [step for step in steps if step.cost is not None]
    if priced:
        expected = sum(step.cost for step in priced)
        at_most = sum(step.cost_at_most for step in priced)
        console.out.print(f"{'total':>18}: cost {expected:,.2f} ({at_most:,.2f})")


def print_models(
    steps: "Sequence[StepEstimate]", counted: str, json_key: str | None, nobody: str
) -> None:
    """The estimate of an audit or evaluation: as JSON with the steps under `json_key`, if it is
    given; else as lines, of which `nobody` is the only one where no model is asked."""
    from dataclasses import asdict

    from pipelines.cli import console

    if json_key is not None:
        console.print_json({"counted": counted, json_key: [asdict(step) for step in steps]})
    elif not steps:
        console.out.print(nobody)
    else:
        print_steps(steps, counted)


def _cost_of(step: "StepEstimate") -> str:
    return "" if step.cost is None else f", cost {step.cost:,.2f} ({step.cost_at_most:,.2f})"


# Set by a Ctrl-C after which a command finishes what is in progress. It may then end as usual, but
# whoever runs several commands has to stop.
INTERRUPTED = threading.Event()


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second one interrupts as usual."""
    from pipelines.cli.console import notify

    stop = threading.Event()

    def handle(*_: object) -> None:
        stop.set()
        INTERRUPTED.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        notify("finishing the batches in progress; Ctrl-C again stops immediately")

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)

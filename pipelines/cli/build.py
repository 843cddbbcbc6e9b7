"""`srt build`: make a run from a recipe."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.cache import StorePath, store_path

if TYPE_CHECKING:
    from builders.run import Run
    from pipelines.estimate import StepEstimate
    from pipelines.recipe import Recipe

app = typer.Typer(
    help="Generate drafts, critiques and refinements into a run.", no_args_is_help=True
)


@app.callback()
def _group() -> None:
    """A group, so that `srt build stage1` reads as it does with more stages beside it."""


RecipeFile = Annotated[
    Path, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of a shipped one.")
]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Replace recipe values.")
]
Out = Annotated[
    Path | None, typer.Option(help="The run folder. \\[default: runs/NAME]", show_default=False)
]
Limit = Annotated[int | None, typer.Option(min=1, help="Stop after this many rows, as a trial.")]
Estimate = Annotated[
    bool, typer.Option("--estimate", help="Print calls, tokens and cost; send nothing.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]


@app.command(
    epilog="Example: srt build stage1 stage1-openai.yaml critic.model=gpt-4.1 --out runs/first"
)
def stage1(
    recipe: RecipeFile,
    overrides: Overrides = None,
    out: Out = None,
    limit: Limit = None,
    estimate: Estimate = False,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Draft, critique, refine, score and filter. The same command continues a stopped run."""
    from pipelines.recipe_file import load_recipe

    checked = _of_stage(1, load_recipe(recipe, overrides or []))
    _build(checked, out, estimate=estimate, store=store, limit=limit, as_json=as_json)


@app.command(
    epilog="Example: srt build stage2 stage2-embedded.yaml --model checkpoints/stage1-embedded"
)
def stage2(
    recipe: RecipeFile,
    overrides: Overrides = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="The stage-1 checkpoint, or its name at an endpoint: drafter and critic.",
            show_default=False,
        ),
    ] = None,
    out: Out = None,
    limit: Limit = None,
    estimate: Estimate = False,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Let a trained model criticise and refine its own answers to new instructions.

    What the checkpoint was trained on is left out, as is what is much like it; `disjoint_from` in
    the recipe names further runs and releases.
    """
    from pipelines.recipe_file import load_recipe, of_checkpoint

    values, defaults = of_checkpoint(model) if model else ([], {})
    loaded = load_recipe(recipe, [*values, *(overrides or [])], defaults=defaults)
    checked = _of_stage(2, loaded)
    _build(checked, out, estimate=estimate, store=store, limit=limit, as_json=as_json)


def _of_stage(stage: int, recipe: "Recipe") -> "Recipe":
    from builders.errors import BadInput

    if recipe.stage != stage:
        raise BadInput(
            f"{recipe.name}: this is a recipe of stage {recipe.stage}: "
            f"`srt build stage{recipe.stage}`"
        )
    return recipe


def _build(
    recipe: "Recipe",
    out: Path | None,
    *,
    estimate: bool,
    store: Path | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Build the recipe's rounds and say what became of the rows of each, or estimate them."""
    if estimate:
        print_estimate(recipe, limit, as_json=as_json)
        return
    from builders.funnel import Funnel
    from pipelines.cli import console
    from pipelines.rounds import build_rounds

    def build(of_round: "Recipe", folder: Path) -> "Run":
        return run_build(of_round, folder, store=answers, limit=limit)

    answers = store_path(store)
    folder = out or Path("runs") / recipe.name
    for run in build_rounds(recipe, folder, build):
        manifest = run.read_manifest()
        facts = manifest["funnel"] if manifest else Funnel.of(run.iter_rows()).as_facts()
        if as_json:
            console.print_json({"run": str(run.folder), "complete": bool(manifest), **facts})
            continue
        console.print_funnel(facts)
        console.out.print(f"run: {run.folder}")
        if manifest:
            name = f"--name {run.folder.name} --version 1.0.0"
            console.out.print(f"next: srt release {run.folder} {name}")
        else:
            console.out.print("not complete: the same command without --limit does the rest")


def run_build(
    recipe: "Recipe", folder: Path, *, store: Path | None = None, limit: int | None = None
) -> "Run":
    """Build with progress on stderr; the first Ctrl-C finishes what is under way."""
    from pipelines.cli.console import RunProgress, err

    err.print(f"stage {recipe.stage} into {folder}; loading the pipeline")
    from pipelines.build import build_run
    from pipelines.llms.store import ResponseStore

    build = build_run
    if recipe.execution.kind == "batch":
        from pipelines.batch.driver import build_in_batches

        build = partial(build_in_batches, say=partial(err.print, markup=False))
    elif recipe.execution.kind == "ray":
        from pipelines.on_ray.driver import build_on_ray as build
    answers = ResponseStore(store) if store else None
    with stop_on_interrupt() as stop, RunProgress() as progress:
        return build(recipe, folder, progress, stop=stop, store=answers, limit=limit)


def print_estimate(recipe: "Recipe", limit: int | None, *, as_json: bool) -> None:
    """What the run would ask and cost, by step."""
    from dataclasses import asdict

    from pipelines.cli import console
    from pipelines.estimate import estimate, token_counter
    from pipelines.instructions import make_sources

    count, how = token_counter()
    steps = estimate(recipe, make_sources(recipe.instructions), count, limit)
    if as_json:
        console.print_json({"counted": how, "steps": [asdict(step) for step in steps]})
        return
    if not steps:
        console.out.print("no model is asked: drafts and critiques are given or computed")
        return
    console.out.print(f"prompts counted {how}; answers of usual length (at most in brackets)")
    for step in steps:
        console.out.print(
            f"{step.step:>16}: {step.calls:,} calls to {step.model}, "
            f"{step.tokens_in:,} ({step.tokens_in_at_most:,}) tokens in, "
            f"{step.tokens_out:,} ({step.tokens_out_at_most:,}) out{_cost_of(step)}",
            markup=False,
        )
    priced = [step for step in steps if step.cost is not None]
    if priced:
        expected = sum(step.cost for step in priced)
        at_most = sum(step.cost_at_most for step in priced)
        console.out.print(f"{'in all':>16}: cost {expected:,.2f} ({at_most:,.2f})")


def _cost_of(step: "StepEstimate") -> str:
    return "" if step.cost is None else f", cost {step.cost:,.2f} ({step.cost_at_most:,.2f})"


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

"""The one entrance to building runs: a recipe in, its rounds generated in the way it asks for."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from builders.ledger.run import Run
from builders.progress import Notify
from pipelines.batch.records import require_no_open_batch
from pipelines.recipe.file import Overrides, load_recipe, run_of
from pipelines.recipe.recipe import Recipe

if TYPE_CHECKING:
    from pipelines.generate.build import BuildObserver

RUNS = Path("runs")


def build(
    recipe: Path | str,
    out: Path | str | None = None,
    *,
    stage: int | None = None,
    overrides: Overrides = (),
    model: str | None = None,
    limit: int | None = None,
    store: Path | str | None = None,
    observer: "BuildObserver | None" = None,
    stop: threading.Event | None = None,
    notify: Notify | None = None,
) -> Run:
    """Begin or continue the runs of a recipe, and return the one of the last round.

    `recipe` is a file or the name of a shipped recipe; a run's own recipe.yaml continues that run
    unless `out` is another folder. `overrides` are values by dotted keys, or `key=value`
    assignments as on the command line, and `model` is the checkpoint of stage 2. For the other
    arguments and the errors see `build_rounds`. The run is complete unless `limit` left rows to do.
    """
    checked = load_recipe(Path(recipe), overrides, stage=stage, model=model, notify=notify)
    out = out or run_of(Path(recipe))
    *_, last = build_rounds(
        checked, out, limit=limit, store=store, observer=observer, stop=stop, notify=notify
    )
    return last


def build_rounds(
    recipe: Recipe,
    out: Path | str | None = None,
    *,
    limit: int | None = None,
    store: Path | str | None = None,
    observer: "BuildObserver | None" = None,
    stop: threading.Event | None = None,
    notify: Notify | None = None,
) -> Iterator[Run]:
    """Build the recipe's rounds, each when it is asked for, and yield their runs.

    The first run is in `out` (default: `runs/NAME`). At most `limit` rows are generated in each.
    `store` keeps paid answers (default: the store that all runs of the user share). Setting `stop`
    ends a run after the batches in progress. `notify` is called with one-line messages, from
    loading the pipeline to the batches submitted.

    Raises BadInput before anything is written where recipe, sources, models or folder are wrong;
    RunFailed where a run could not finish and the same call continues it.
    """
    from pipelines.generate import rounds

    notify = notify or _ignore
    folder = Path(out) if out is not None else RUNS / recipe.name

    def build_round(of_round: Recipe, folder: Path) -> Run:
        notify(f"stage {of_round.stage} into {folder}; loading the pipeline")
        # Imported after the message: distilabel takes seconds.
        from pipelines.llms.store import CompletionStore, default_store_path

        if of_round.execution.kind != "batch":
            require_no_open_batch(folder)
        build_one = _builder(of_round, notify)
        answers = CompletionStore(Path(store) if store is not None else default_store_path())
        return build_one(of_round, folder, observer, stop=stop, store=answers, limit=limit)

    yield from rounds.build_rounds(recipe, folder, build_round)


def _ignore(_: str) -> None: ...


def _builder(recipe: Recipe, notify: Notify) -> Callable[..., Run]:
    """The function that builds one run by the recipe's kind of execution."""
    # Imported when needed: Ray is an extra.
    match recipe.execution.kind:
        case "batch":
            from pipelines.batch.driver import build_in_batches

            return partial(build_in_batches, notify=notify)
        case "ray":
            from pipelines.on_ray.driver import build_on_ray

            return build_on_ray
        case _:
            from pipelines.generate.build import build_run

            return build_run

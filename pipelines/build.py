"""Runs a recipe into a run folder: begun, left at any moment, continued, complete.

A batch that is done is on disk before the next one is taken up, and the manifest comes last.
The same command continues a run that was stopped and ends with the same ledger.
"""

import json
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from builders.atomic import atomic_file
from builders.errors import BadInput, RunFailed
from builders.funnel import Funnel
from builders.run import Run, write_json
from builders.schema import SCHEMA_VERSION
from builders.sources import Source, draw, survey
from pipelines import dag, stage1, stage2
from pipelines.instructions import make_sources
from pipelines.llm import Models
from pipelines.llms.budget import Budget
from pipelines.llms.store import ResponseStore
from pipelines.lock import run_lock
from pipelines.recipe import (
    Recipe,
    RefinementInstructions,
    VerifiableInstructions,
    VerifiableTeacher,
)
from pipelines.recipe_file import differing_keys, load_recipe
from pipelines.recipe_release import OF_RELEASES

_VERSIONED = ("srt-feedback", "distilabel", "transformers", "torch", "pyarrow")
# Share of a batch's rows that may fail at the endpoint before the run stops.
_MOST_FAILED = 0.5


class Observer(Protocol):
    """Is told how far a run has come."""

    def begin(self, done: Funnel, total: int) -> None:
        """The run begins, or continues after the rows that are `done`."""

    def passed(self, step: str, batch: list[dict[str, Any]]) -> None:
        """A step is done with a batch; called from several threads."""

    def written(self, done: Funnel) -> None:
        """Another batch is on disk; `done` counts all rows that are."""


class Unobserved:
    """An observer that looks away."""

    def begin(self, done: Funnel, total: int) -> None: ...

    def passed(self, step: str, batch: list[dict[str, Any]]) -> None: ...

    def written(self, done: Funnel) -> None: ...


def build_run(
    recipe: Recipe,
    folder: Path,
    observer: Observer | None = None,
    *,
    stop: threading.Event | None = None,
    store: ResponseStore | None = None,
    limit: int | None = None,
    prepare: Callable[[Run, Funnel, Sequence[Source]], Models] | None = None,
    load: Callable[[dag.Pipeline, Models], list[Any]] | None = None,
) -> Run:
    """Begin or continue the run in `folder` and return it.

    It is complete unless `limit` rows were asked for and there are more. Raises BadInput before
    anything is written where recipe, sources, models or folder are wrong; RunFailed where the
    run could not finish and the same command continues it. `prepare` is called with the run, its
    rows so far and the sources, and returns the models to use instead of the recipe's own.
    `load` turns the pipeline into checked and loaded steps for `dag.stream`.
    """
    if any(isinstance(who, VerifiableTeacher) for who in (recipe.critic, recipe.scorer)):
        _require_verifiable(recipe)
    observer = observer or Unobserved()
    run = Run(folder)
    new = not folder.exists() or not any(folder.iterdir())
    if not new:
        _require_same_recipe(run, recipe)
    folder.mkdir(parents=True, exist_ok=True)
    with run_lock(folder), _removed_if_barren(run, new):
        if (manifest := run.read_manifest()) is not None:
            _record_for_releases(run, manifest, recipe)
            return run
        with atomic_file(run.recipe_path) as temporary:
            temporary.write_text(recipe.to_yaml(), encoding="utf-8")
        sources = make_sources(recipe.instructions)
        found = survey(sources)
        done = Funnel.of(run.iter_rows())
        _require_same_rows(run, sources)
        if prepare:
            models = prepare(run, done, sources)
        else:
            models = Models(store, budget_left(recipe, done))
        make_pipeline = {1: stage1.make_pipeline, 2: stage2.make_pipeline}[recipe.stage]
        pipeline = make_pipeline(recipe, sources, models, skip=done.rows, limit=limit)
        steps = (load or load_here)(pipeline, models)
        wanted = min(found.rows, limit or found.rows)
        observer.begin(done, wanted)
        for batch in dag.stream(steps, stop, observer.passed):
            _require_answers(folder, batch)
            run.append(batch)
            for row in batch:
                done.add(row)
            observer.written(done)
        if done.rows < wanted:
            raise RunFailed(
                f"{folder}: stopped after {done.rows} of {wanted} rows; the same command continues"
            )
        if done.rows == found.rows:
            run.write_manifest(_facts(recipe, done, found.sources))
    return run


def _record_for_releases(run: Run, manifest: dict[str, Any], recipe: Recipe) -> None:
    """A complete run takes over what is asked for in its next release."""
    blocks = {name: getattr(recipe, name).model_dump() for name in OF_RELEASES}
    if all(manifest.get(name) == block for name, block in blocks.items()):
        return
    # The hashes of the ledger stay those that the build recorded.
    write_json(run.manifest_path, {**manifest, **blocks})
    with atomic_file(run.recipe_path) as temporary:
        temporary.write_text(recipe.to_yaml(), encoding="utf-8")


def load_here(pipeline: dag.Pipeline, models: Models) -> list[Any]:
    """The pipeline's steps, with their models in this process. SrtError where one is not there."""
    steps = dag.load(pipeline)
    models.check()
    return steps


@contextmanager
def _removed_if_barren(run: Run, new: bool) -> Iterator[None]:
    """Remove a folder that this run made and wrote no rows to, unless it awaits a batch."""
    try:
        yield
    finally:
        if new and not run.parts() and not (run.folder / "batches").exists():
            shutil.rmtree(run.folder, ignore_errors=True)


def _require_same_recipe(run: Run, recipe: Recipe) -> None:
    if not run.recipe_path.is_file():
        raise BadInput(f"{run.folder}: exists and is not a run; give another --out")
    before = load_recipe(run.recipe_path, pin=False)
    if before.sha256 != recipe.sha256:
        keys = ", ".join(differing_keys(before, recipe))
        raise BadInput(
            f"{run.folder}: holds a run of another recipe (it differs in {keys}); "
            "give another --out"
        )


def _require_verifiable(recipe: Recipe) -> None:
    # The refinements of a run of such problems are answers to them too.
    checkable = VerifiableInstructions | RefinementInstructions
    if not all(isinstance(block, checkable) for block in recipe.instructions):
        raise BadInput(
            "critic.kind: the verifiable teacher reviews only instructions of the verifiable "
            "source; all of `instructions` has to be such"
        )


def _require_same_rows(run: Run, sources: Sequence[Source]) -> None:
    """The rows that the ledger holds have to be the first that the sources give."""
    if not run.parts():
        return
    for old, new in zip(run.iter_rows(["id"]), draw(sources), strict=False):
        if old["id"] != new["id"]:
            raise BadInput(
                f"{run.folder}: the sources give other rows than when the run began "
                f"({old['id']} then, {new['id']} now)"
            )


def budget_left(recipe: Recipe, done: Funnel) -> Budget | None:
    """The recipe's budget, less what the ledger says was spent."""
    block = recipe.budget
    if block is None:
        return None
    if block.money is not None:
        return Budget(block.money, "money", spent=done.cost or 0.0)
    return Budget(block.tokens, "tokens", spent=done.paid_tokens)


def _require_answers(folder: Path, batch: list[dict[str, Any]]) -> None:
    """Stop where an endpoint fails for most rows: that is an outage, not the rows' fault.

    The batch is not written, so that the rows are tried again when the run continues.
    """
    failed = [row["detail"] for row in batch if row["reason"] == "call_failed"]
    asked = sum(bool(row["calls"]) for row in batch)
    if len(failed) > max(3, asked * _MOST_FAILED):
        raise RunFailed(
            f"{folder}: {len(failed)} of {asked} rows of a batch got no answer ({failed[-1]}); "
            "the same command tries them again"
        )


def _facts(recipe: Recipe, funnel: Funnel, sources: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "name": recipe.name,
        "stage": recipe.stage,
        "recipe_sha256": recipe.sha256,
        "seed": recipe.seed,
        "licence": recipe.licence,
        "language": recipe.language,
        "about": recipe.about,
        "test_share": recipe.test_share,
        "filters": recipe.filters.model_dump(),
        **{name: getattr(recipe, name).model_dump() for name in OF_RELEASES},
        "sources": sources,
        "models": funnel.models,
        "checkpoints": _checkpoints(recipe),
        "funnel": funnel.as_facts(),
        "versions": {name: version(name) for name in _VERSIONED},
    }


def _checkpoints(recipe: Recipe) -> list[dict[str, Any]]:
    """What the models that this project trained were made of: a folder's name says nothing."""
    blocks = (getattr(recipe, role) for role in ("drafts", "critic", "scorer"))
    folders = {block.model: None for block in blocks if getattr(block, "training_sha256", None)}
    found = []
    for folder in folders:
        # Gone, it has been used all the same.
        if (training := Path(folder) / "training.json").is_file():
            facts = json.loads(training.read_text(encoding="utf-8"))
            release = facts["release"]
            found.append(
                {
                    "model": folder,
                    "base_model": facts["base_model"]["name"],
                    "stage": facts["stage"],
                    "trained_on": f"{release['name']} {release['version']}",
                }
            )
    return found

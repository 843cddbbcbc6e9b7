"""Builds a run from a recipe: started, interrupted at any moment, continued, complete.

Each batch is on disk before the next one is written, and the manifest comes last. The same command
continues a stopped run, and ends with the same ledger as an uninterrupted one. Rows whose call
failed for a cause that may have passed are tried again first, also in a complete run.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from builders.errors import BadInput, RunFailed
from builders.files.atomic import atomic_file, write_json
from builders.files.documents import read_json
from builders.files.folder import has_files
from builders.files.lock import locked
from builders.instructions.sources import Source, draw, survey
from builders.ledger.funnel import Funnel
from builders.ledger.manifest import CheckpointFacts, RunManifest
from builders.ledger.run import Run
from builders.rows import Row
from builders.rows.ids import is_first_sample
from builders.rows.schema import SCHEMA_VERSION
from pipelines import dag
from pipelines.generate import stage1, stage2
from pipelines.generate.failed_rows import has_answers, rows_to_retry
from pipelines.generate.instructions import make_sources
from pipelines.llms.budget import Budget
from pipelines.llms.factory import Models
from pipelines.llms.store import CompletionStore
from pipelines.recipe.file import load_recipe
from pipelines.recipe.instructions import RefinementInstructions, VerifiableInstructions
from pipelines.recipe.models import VerifiableTeacher
from pipelines.recipe.recipe import RELEASE_BLOCKS, Recipe, differing_keys

_VERSIONED = ("srt-feedback", "distilabel", "transformers", "torch", "pyarrow")
# The run stops if more than this share of a batch's rows fail at the endpoint, and more than a few.
_MAX_FAILED_SHARE = 0.5
_FEW = 3


class BuildObserver(Protocol):
    """Follows a run while it is built. `build_run` calls its methods."""

    def begin(self, done: Funnel, total: int) -> None:
        """The run starts, or continues after the rows that are `done`; `total` instructions."""

    def passed(self, step: str, batch: list[Row]) -> None:
        """A batch has passed a step; called from several threads."""

    def written(self, done: Funnel) -> None:
        """Another batch is on disk; `done` counts all rows that are."""


class Unobserved:
    """A `BuildObserver` that does nothing."""

    def begin(self, done: Funnel, total: int) -> None: ...

    def passed(self, step: str, batch: list[Row]) -> None: ...

    def written(self, done: Funnel) -> None: ...


def build_run(
    recipe: Recipe,
    folder: Path,
    observer: BuildObserver | None = None,
    *,
    stop: threading.Event | None = None,
    store: CompletionStore | None = None,
    limit: int | None = None,
    prepare: Callable[[Run, Funnel, Sequence[Source]], Models] | None = None,
    load: Callable[[dag.Pipeline, Models], list[Any]] | None = None,
) -> Run:
    """Start or continue the run in `folder`, and return it.

    The run is complete afterwards, unless `limit` left rows to do. `prepare` is called with the
    run, its rows so far and the sources, and returns the models to use in place of the recipe's.
    `load` turns the pipeline into loaded and checked steps for `dag.stream`.

    Raises BadInput before anything is written where recipe, sources, models or folder are wrong;
    RunFailed where the run could not finish and the same command continues it.
    """
    if any(isinstance(block, VerifiableTeacher) for _, block in recipe.blocks()):
        _require_verifiable(recipe)
    observer = observer or Unobserved()
    run = Run(folder)
    new = not folder.exists() or not has_files(folder)
    if not new:
        _require_same_recipe(run, recipe)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder), _removed_if_empty(run, new):
        if (manifest := run.read_manifest()) is not None:
            _update_release_blocks(run, manifest, recipe)
        failed = rows_to_retry(run)
        if manifest is not None and not failed:
            return run
        _write_recipe(run, recipe)
        sources = make_sources(recipe.instructions)
        surveyed = survey(sources)
        drawn = run.count_instructions()
        # What the rows to try again cost is counted with their new calls.
        finished = (row for row in run.iter_rows() if row["id"] not in failed)
        done = Funnel.of(finished, recipe_criteria=[recipe.criteria] if recipe.criteria else [])
        _require_same_rows(run, sources)
        if prepare:
            models = prepare(run, done, sources)
        else:
            models = Models(store, budget_left(recipe, done))
        make_pipeline = {1: stage1.make_pipeline, 2: stage2.make_pipeline}[recipe.stage]
        pipeline = make_pipeline(recipe, sources, models, skip=drawn, limit=limit, again=failed)
        steps = (load or load_here)(pipeline, models)
        total = max(drawn, min(surveyed.rows, limit or surveyed.rows))
        observer.begin(done, total)
        begun = folder.stat()
        for batch in dag.stream(steps, stop, observer.passed):
            _require_there(folder, begun)
            if batch[0]["id"] in failed:
                _replace(run, batch, failed)
            else:
                require_answers(folder, batch, first=not has_answers(done))
                run.append(batch)
            for row in batch:
                done.add(row)
            observer.written(done)
        if done.instructions < total:
            unit = "rows" if recipe.samples == 1 else "instructions"
            raise RunFailed(
                f"{folder}: stopped after {done.instructions} of {total} {unit}; the same command "
                "continues"
            )
        _require_there(folder, begun)
        if done.instructions == surveyed.rows:
            run.write_manifest(_manifest(recipe, done, surveyed.sources))
    return run


def _require_there(folder: Path, begun: os.stat_result) -> None:
    """RunFailed if the folder is not the one in which the build began.

    Writing would create it anew, with the rest of a ledger in it.
    """
    try:
        there = os.path.samestat(folder.stat(), begun)
    except FileNotFoundError:
        there = False
    if not there:
        raise RunFailed(f"{folder}: the folder was removed or renamed while the run was built")


def _replace(run: Run, batch: list[Row], failed: Mapping[str, Path]) -> None:
    """Write rows that were tried again into their places."""
    by_part: dict[Path, dict[str, Row]] = {}
    for row in batch:
        by_part.setdefault(failed[row["id"]], {})[row["id"]] = row
    for part, rows in by_part.items():
        run.replace(part, rows)


def _write_recipe(run: Run, recipe: Recipe) -> None:
    with atomic_file(run.recipe_path) as temporary:
        temporary.write_text(recipe.to_yaml(), encoding="utf-8")


def _update_release_blocks(run: Run, manifest: RunManifest, recipe: Recipe) -> None:
    """Write the recipe's blocks for releases into a complete run, if they have changed."""
    blocks = {name: getattr(recipe, name) for name in RELEASE_BLOCKS}
    if all(getattr(manifest, name) == block for name, block in blocks.items()):
        return
    # The hashes of the ledger stay as the build recorded them.
    updated = manifest.model_copy(update=blocks)
    write_json(run.manifest_path, updated.model_dump(mode="json", exclude_unset=True))
    _write_recipe(run, recipe)


def load_here(pipeline: dag.Pipeline, models: Models) -> list[Any]:
    """The pipeline's steps with their models in this process. SrtError if one is unavailable."""
    steps = dag.load(pipeline)
    models.check()
    return steps


@contextmanager
def _removed_if_empty(run: Run, new: bool) -> Iterator[None]:
    """Remove a new folder that got no rows, unless it waits for a batch of the batch API."""
    try:
        yield
    finally:
        if new and not run.parts() and not (run.folder / "batches").exists():
            shutil.rmtree(run.folder, ignore_errors=True)


def _require_same_recipe(run: Run, recipe: Recipe) -> None:
    if not run.recipe_path.is_file():
        raise BadInput(f"{run.folder}: exists and is not a run; choose another --out")
    recorded = load_recipe(run.recipe_path, pin=False)
    if recorded.sha256 != recipe.sha256:
        keys = ", ".join(differing_keys(recorded, recipe))
        raise BadInput(
            f"{run.folder}: holds a run of another recipe (it differs in {keys}); "
            "choose another --out"
        )


def _require_verifiable(recipe: Recipe) -> None:
    # Refinements of such problems are answers to them too.
    checkable = VerifiableInstructions | RefinementInstructions
    if not all(isinstance(block, checkable) for block in recipe.instructions):
        raise BadInput(
            "critic.kind: the verifiable teacher can only check problems of the verifiable source; "
            "every block of `instructions` must be of that kind"
        )


def _require_same_rows(run: Run, sources: Sequence[Source]) -> None:
    """BadInput unless the rows in the ledger are the first rows of the sources."""
    if not run.parts():
        return
    first = (row for row in run.iter_rows(["id"]) if is_first_sample(row["id"]))
    instructions = (row for row in draw(sources) if is_first_sample(row["id"]))
    for recorded, drawn in zip(first, instructions, strict=False):
        if recorded["id"] != drawn["id"]:
            raise BadInput(
                f"{run.folder}: the sources have changed since the run began "
                f"(row {recorded['id']} then, {drawn['id']} now)"
            )


def budget_left(recipe: Recipe, done: Funnel) -> Budget | None:
    """The recipe's budget, with what the rows in the ledger cost already spent."""
    block = recipe.budget
    if block is None:
        return None
    if block.money is not None:
        return Budget(block.money, "money", spent=done.cost or 0.0)
    return Budget(block.tokens, "tokens", spent=done.paid_tokens)


def require_answers(folder: Path, batch: list[Row], *, first: bool = False) -> None:
    """RunFailed if most rows of a batch failed at the endpoint: an outage, not a row's fault.

    So are all of the `first` batch's, however few they are.

    The batch is not written, so its rows are tried again when the run is continued.
    """
    failed = [row["detail"] for row in batch if row["reason"] == "call_failed"]
    called = sum(bool(row["calls"]) for row in batch)
    is_outage = len(failed) > max(_FEW, called * _MAX_FAILED_SHARE)
    if failed and (is_outage or (first and len(failed) == called)):
        raise RunFailed(
            f"{folder}: {len(failed)} of {called} rows of a batch got no answer ({failed[-1]}); "
            "the same command tries them again"
        )


def _manifest(recipe: Recipe, funnel: Funnel, sources: list[dict[str, Any]]) -> RunManifest:
    """The manifest of a complete run, before the hashes of its ledger."""
    return RunManifest(
        schema_version=SCHEMA_VERSION,
        name=recipe.name,
        stage=recipe.stage,
        recipe_sha256=recipe.sha256,
        seed=recipe.seed,
        criteria=recipe.criteria,
        test_share=recipe.test_share,
        filters=recipe.filters.model_dump(),
        **{name: getattr(recipe, name) for name in RELEASE_BLOCKS},
        sources=sources,
        models=funnel.models,
        checkpoints=_checkpoints(recipe),
        funnel=funnel.as_facts(),
        versions={name: version(name) for name in _VERSIONED},
        files={},
    )


def _checkpoints(recipe: Recipe) -> list[CheckpointFacts]:
    """Each of our own checkpoints in the recipe."""
    folders = {
        block.model: None for _, block in recipe.blocks() if getattr(block, "training_sha256", None)
    }
    checkpoints = []
    for folder in folders:
        # A checkpoint may have been deleted since it was used.
        if (training := Path(folder) / "training.json").is_file():
            facts = read_json(training)
            release = facts["release"]
            checkpoints.append(
                CheckpointFacts(
                    model=folder,
                    base_model=facts["base_model"]["name"],
                    stage=facts["stage"],
                    trained_on=f"{release['name']} {release['version']}",
                )
            )
    return checkpoints

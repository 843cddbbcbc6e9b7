"""Stage 1: a base model drafts, a critic reviews and refines, both answers are scored apart.

load → draft → critique + refinement → independent scores → filters → ledger
(arXiv 2406.07168, section 3.1). The run folder can be left at any moment; the same command
continues it and ends with the same ledger.
"""

import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from builders.atomic import atomic_file
from builders.errors import BadInput, RunFailed
from builders.funnel import Funnel
from builders.run import Run
from builders.schema import SCHEMA_VERSION
from builders.sources import Source, draw, survey
from pipelines import dag
from pipelines.instructions import make_sources
from pipelines.llm import make_llm
from pipelines.lock import run_lock
from pipelines.recipe import (
    GivenDrafts,
    Stage1Recipe,
    VerifiableInstructions,
    VerifiableTeacher,
    differing_keys,
    load_recipe,
)
from pipelines.steps import (
    GivenDraft,
    KeepOrDrop,
    LoadInstructions,
    VerifiableCritique,
    VerifiableScore,
)
from pipelines.tasks import Critique, Draft, IndependentScore

_VERSIONED = ("srt-feedback", "distilabel", "transformers", "torch", "pyarrow")


# Share of a batch's rows that may fail at the endpoint before the run stops.
_MOST_FAILED = 0.5


class Observer(Protocol):
    """Is told how far a run has come, after each batch that reached the disk."""

    def __call__(self, funnel: Funnel, total: int) -> None: ...


def make_pipeline(recipe: Stage1Recipe, sources: Sequence[Source], skip: int = 0) -> dag.Pipeline:
    """The distilabel pipeline of a recipe; its first `skip` rows are in the ledger already."""
    filters = recipe.filters.as_filters()
    with dag.Pipeline(name=f"srt-stage1-{recipe.name}") as pipeline:
        load = LoadInstructions(
            name="load",
            sources=list(sources),
            skip=skip,
            batch_size=recipe.batch_size,
            with_drafts=isinstance(recipe.drafts, GivenDrafts),
        )
        draft = _draft_step(recipe)
        critique = _critique_step(recipe)
        score = _score_step(recipe, critique)
        load >> draft >> critique >> score >> KeepOrDrop(name="keep_or_drop", filters=filters)
    return pipeline


def _model_settings(recipe: Stage1Recipe, model: Any) -> dict[str, Any]:
    return {
        "llm": make_llm(model),
        "seed": recipe.seed,
        "system": model.system,
        "price": model.price,
    }


def _review_settings(recipe: Stage1Recipe, model: Any) -> dict[str, Any]:
    as_json = getattr(model, "structured_output", False)
    return {**_model_settings(recipe, model), "as_json": as_json}


def _draft_step(recipe: Stage1Recipe) -> dag.Step:
    if isinstance(recipe.drafts, GivenDrafts):
        return GivenDraft(name="draft", model=recipe.drafts.model)
    keep_truncated = recipe.filters.keep_truncated_drafts
    settings = _model_settings(recipe, recipe.drafts)
    return Draft(name="draft", keep_truncated=keep_truncated, **settings)


def _critique_step(recipe: Stage1Recipe) -> dag.Step:
    filters = recipe.filters.as_filters()
    if isinstance(recipe.critic, VerifiableTeacher):
        return VerifiableCritique(name="critique", filters=filters)
    settings = _review_settings(recipe, recipe.critic)
    return Critique(name="critique", filters=filters, **settings)


def _score_step(recipe: Stage1Recipe, critique: dag.Step) -> dag.Step:
    scorer = recipe.scorer or recipe.critic
    if isinstance(scorer, VerifiableTeacher):
        return VerifiableScore(name="score")
    settings = _review_settings(recipe, scorer)
    if scorer == recipe.critic:
        # One object, so that both steps together keep to the endpoint's limit.
        settings["llm"] = critique.llm
    return IndependentScore(name="score", **settings)


def build_stage1(
    recipe: Stage1Recipe,
    folder: Path,
    observe: Observer,
    stop: threading.Event | None = None,
) -> Run:
    """Begin or continue the run in `folder` and return it complete.

    Raises BadInput before anything is written where recipe, sources, models or folder are
    wrong; RunFailed where the run could not finish and the same command continues it.
    """
    if any(isinstance(who, VerifiableTeacher) for who in (recipe.critic, recipe.scorer)):
        _require_verifiable(recipe)
    run = Run(folder)
    new = not folder.exists() or not any(folder.iterdir())
    if not new:
        _require_same_recipe(run, recipe)
    folder.mkdir(parents=True, exist_ok=True)
    with run_lock(folder), _removed_if_barren(run, new):
        if run.read_manifest() is not None:
            return run
        with atomic_file(run.recipe_path) as temporary:
            temporary.write_text(recipe.to_yaml(), encoding="utf-8")
        sources = make_sources(recipe.instructions)
        found = survey(sources)
        done = Funnel.of(run.iter_rows())
        _require_same_rows(run, sources)
        steps = dag.load(make_pipeline(recipe, sources, skip=done.rows))
        for step in steps:
            if llm := getattr(step, "llm", None):
                llm.check()
        observe(done, found.rows)
        for batch in dag.stream(steps, stop):
            _require_answers(folder, batch)
            run.append(batch)
            for row in batch:
                done.add(row)
            observe(done, found.rows)
        if done.rows < found.rows:
            raise RunFailed(
                f"{folder}: stopped after {done.rows} of {found.rows} rows; "
                "the same command continues"
            )
        run.write_manifest(_facts(recipe, done, found.sources))
    return run


@contextmanager
def _removed_if_barren(run: Run, new: bool) -> Iterator[None]:
    """Remove a folder that this run made and wrote no rows to."""
    try:
        yield
    finally:
        if new and not run.parts():
            shutil.rmtree(run.folder, ignore_errors=True)


def _require_same_recipe(run: Run, recipe: Stage1Recipe) -> None:
    if not run.recipe_path.is_file():
        raise BadInput(f"{run.folder}: exists and is not a run; give another --out")
    before = load_recipe(run.recipe_path, pin=False)
    if before.sha256 != recipe.sha256:
        keys = ", ".join(differing_keys(before, recipe))
        raise BadInput(
            f"{run.folder}: holds a run of another recipe (it differs in {keys}); "
            "give another --out"
        )


def _require_verifiable(recipe: Stage1Recipe) -> None:
    if not all(isinstance(block, VerifiableInstructions) for block in recipe.instructions):
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


def _facts(recipe: Stage1Recipe, funnel: Funnel, sources: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "name": recipe.name,
        "stage": 1,
        "recipe_sha256": recipe.sha256,
        "seed": recipe.seed,
        "licence": recipe.licence,
        "language": recipe.language,
        "about": recipe.about,
        "test_share": recipe.test_share,
        "filters": recipe.filters.model_dump(),
        "sources": sources,
        "models": funnel.models,
        "funnel": funnel.as_facts(),
        "versions": {name: version(name) for name in _VERSIONED},
    }

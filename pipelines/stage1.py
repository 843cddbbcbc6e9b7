"""Stage 1: a base model drafts, a critic reviews and refines, both answers are scored apart.

load → draft → critique + refinement → independent scores → filters → ledger
(arXiv 2406.07168, section 3.1). This is the pipeline; `pipelines/build.py` runs it.
"""

from collections.abc import Sequence
from typing import Any

from builders.overlap import Earlier
from builders.sources import Source
from pipelines import dag
from pipelines.llm import Models
from pipelines.recipe import AnyModel, GivenDrafts, Recipe, Stage1Recipe, VerifiableTeacher
from pipelines.steps import (
    GivenDraft,
    KeepOrDrop,
    LoadInstructions,
    VerifiableCritique,
    VerifiableScore,
)
from pipelines.tasks import Critique, Draft, IndependentScore


def make_pipeline(
    recipe: Stage1Recipe,
    sources: Sequence[Source],
    models: Models,
    *,
    skip: int = 0,
    limit: int | None = None,
) -> dag.Pipeline:
    """The distilabel pipeline of a recipe, for the rows after the first `skip`, up to `limit`."""
    filters = recipe.filters.as_filters()
    with dag.Pipeline(name=f"srt-stage1-{recipe.name}") as pipeline:
        (
            load_step(recipe, sources, skip, limit)
            >> draft_step(recipe, models)
            >> _critique_step(recipe, models)
            >> _score_step(recipe, models)
            >> KeepOrDrop(name="keep_or_drop", filters=filters)
        )
    return pipeline


def settings(recipe: Recipe, model: AnyModel, models: Models) -> dict[str, Any]:
    """What every task of a recipe is given that asks `model`."""
    return {
        "llm": models.get(model),
        "seed": recipe.seed,
        "system": model.system,
        "price": recipe.price_of(model),
    }


def load_step(
    recipe: Recipe,
    sources: Sequence[Source],
    skip: int,
    limit: int | None,
    earlier: Earlier | None = None,
) -> dag.GeneratorStep:
    """The step that draws the rows, in either stage."""
    return LoadInstructions(
        name="load",
        sources=list(sources),
        skip=skip,
        limit=limit,
        batch_size=recipe.batch_size,
        with_drafts=isinstance(recipe.drafts, GivenDrafts),
        earlier=earlier,
    )


def draft_step(recipe: Recipe, models: Models) -> dag.Step:
    """The step that puts a draft beside the instruction, in either stage."""
    if isinstance(recipe.drafts, GivenDrafts):
        return GivenDraft(name="draft", model=recipe.drafts.model)
    keep_truncated = recipe.filters.keep_truncated_drafts
    return Draft(
        name="draft", keep_truncated=keep_truncated, **settings(recipe, recipe.drafts, models)
    )


def _critique_step(recipe: Recipe, models: Models) -> dag.Step:
    filters = recipe.filters.as_filters()
    if isinstance(recipe.critic, VerifiableTeacher):
        return VerifiableCritique(name="critique", filters=filters)
    return Critique(
        name="critique",
        filters=filters,
        as_json=_writes_json(recipe.critic),
        max_repairs=recipe.max_repairs,
        **settings(recipe, recipe.critic, models),
    )


def _score_step(recipe: Recipe, models: Models) -> dag.Step:
    scorer = recipe.scorer or recipe.critic
    if isinstance(scorer, VerifiableTeacher):
        return VerifiableScore(name="score")
    return IndependentScore(
        name="score", as_json=_writes_json(scorer), **settings(recipe, scorer, models)
    )


def _writes_json(model: AnyModel) -> bool:
    return getattr(model, "structured_output", False)

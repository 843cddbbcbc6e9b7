"""Stage 1: a base model drafts, a critic criticizes and refines, both answers are scored apart.

load → draft → critique + refinement → independent scores → filters → ledger
(arXiv 2406.07168, section 3.1). `pipelines/generate/build.py` runs this pipeline.
"""

from collections.abc import Collection, Sequence
from typing import Any

from builders.audit.reserved import reserved_instructions
from builders.duplicates.seen import InstructionIndex
from builders.instructions.sources import Source
from pipelines import dag
from pipelines.generate.steps import (
    GivenDraft,
    KeepOrDrop,
    LoadInstructions,
    VerifiableCritique,
    VerifiableScore,
)
from pipelines.generate.tasks import ControlScoreTask, CritiqueTask, DraftTask, ScoreTask
from pipelines.llms.factory import Models
from pipelines.recipe.models import AnyModel, GivenDrafts, VerifiableTeacher
from pipelines.recipe.recipe import Recipe, Stage1Recipe


def make_pipeline(
    recipe: Stage1Recipe,
    sources: Sequence[Source],
    models: Models,
    *,
    skip: int = 0,
    limit: int | None = None,
    again: Collection[str] = (),
) -> dag.Pipeline:
    """The distilabel pipeline of a recipe, for the instructions after the first `skip`, up to
    `limit`.

    The rows among the first whose ids are in `again` come before those.
    """
    with dag.Pipeline(name=f"srt-stage1-{recipe.name}") as pipeline:
        scored = (
            load_step(recipe, sources, skip, limit, again=again)
            >> draft_step(recipe, models)
            >> _critique_step(recipe, models)
            >> _score_step(recipe, models)
        )
        for step in (*control_steps(recipe, models), keep_step(recipe)):
            scored = scored >> step
    return pipeline


def settings(recipe: Recipe, model: AnyModel, models: Models) -> dict[str, Any]:
    """The arguments of every task that calls `model`."""
    return {
        "llm": models.get(model),
        "seed": recipe.seed,
        "system": model.system,
        "price": recipe.price_of(model),
        "criteria": recipe.criteria,
    }


def load_step(
    recipe: Recipe,
    sources: Sequence[Source],
    skip: int,
    limit: int | None,
    trained_on: InstructionIndex | None = None,
    again: Collection[str] = (),
) -> dag.GeneratorStep:
    """The step that draws the rows, in either stage."""
    return LoadInstructions(
        name="load",
        sources=list(sources),
        skip=skip,
        limit=limit,
        criteria=recipe.criteria,
        samples=recipe.samples,
        batch_size=recipe.batch_size,
        with_drafts=isinstance(recipe.drafts, GivenDrafts),
        trained_on=trained_on,
        again=frozenset(again),
        reserved=reserved_instructions(recipe.reserve) if recipe.reserve else None,
    )


def draft_step(recipe: Recipe, models: Models) -> dag.Step:
    """The step that adds the drafts, in either stage."""
    if isinstance(recipe.drafts, GivenDrafts):
        return GivenDraft(name="draft", model=recipe.drafts.model)
    keep_truncated = recipe.filters.keep_truncated_drafts
    return DraftTask(
        name="draft", keep_truncated=keep_truncated, **settings(recipe, recipe.drafts, models)
    )


def control_steps(recipe: Recipe, models: Models) -> list[dag.Step]:
    """The scorers after the first, in either stage: they get the prompt for any model."""
    return [
        ControlScoreTask(
            name=f"score_{number}",
            number=number,
            as_json=_writes_json(scorer),
            **settings(recipe, scorer, models),
        )
        for number, scorer in enumerate(recipe.scorers[1:], start=2)
    ]


def keep_step(recipe: Recipe) -> dag.Step:
    """The step that decides which rows are kept, in either stage."""
    only_best = recipe.samples > 1 and recipe.keep == "best"
    return KeepOrDrop(name="keep_or_drop", filters=recipe.filters, only_best=only_best)


def _critique_step(recipe: Recipe, models: Models) -> dag.Step:
    filters = recipe.filters
    if isinstance(recipe.critic, VerifiableTeacher):
        return VerifiableCritique(name="critique", filters=filters)
    return CritiqueTask(
        name="critique",
        filters=filters,
        as_json=_writes_json(recipe.critic),
        max_repairs=recipe.max_repairs,
        **settings(recipe, recipe.critic, models),
    )


def _score_step(recipe: Recipe, models: Models) -> dag.Step:
    scorer = recipe.scorers[0]
    if isinstance(scorer, VerifiableTeacher):
        return VerifiableScore(name="score")
    return ScoreTask(name="score", as_json=_writes_json(scorer), **settings(recipe, scorer, models))


def _writes_json(model: AnyModel) -> bool:
    return getattr(model, "structured_output", False)

"""Stage 2: a trained model drafts answers to new instructions, criticizes and refines them.

load → draft → its own critique + refinement → its own independent scores → filters → ledger
(arXiv 2406.07168, section 3.2). `pipelines/generate/build.py` runs this pipeline.
"""

from collections.abc import Collection, Sequence

from builders.duplicates.seen import InstructionIndex
from builders.errors import BadInput
from builders.instructions.sources import Source
from pipelines import dag
from pipelines.generate.self_critique import SelfCritiqueTask, SelfScoreTask
from pipelines.generate.stage1 import control_steps, draft_step, keep_step, load_step, settings
from pipelines.generate.steps import VerifiableScore
from pipelines.llms.factory import Models
from pipelines.recipe.models import VerifiableTeacher
from pipelines.recipe.recipe import Stage2Recipe


def make_pipeline(
    recipe: Stage2Recipe,
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

    BadInput if the recipe does not say what the model was trained on.
    """
    if recipe.disjoint_from is None:
        raise BadInput(
            "disjoint_from: give --model CHECKPOINT, or name the runs and releases that the model "
            "was trained on"
        )
    with dag.Pipeline(name=f"srt-stage2-{recipe.name}") as pipeline:
        scored = (
            load_step(
                recipe,
                sources,
                skip,
                limit,
                InstructionIndex.of_folders(recipe.disjoint_from),
                again,
            )
            >> draft_step(recipe, models)
            >> SelfCritiqueTask(
                name="critique",
                filters=recipe.filters,
                max_repairs=recipe.max_repairs,
                **settings(recipe, recipe.critic, models),
            )
            >> _score_step(recipe, models)
        )
        for step in (*control_steps(recipe, models), keep_step(recipe)):
            scored = scored >> step
    return pipeline


def _score_step(recipe: Stage2Recipe, models: Models) -> dag.Step:
    scorer = recipe.scorers[0]
    if isinstance(scorer, VerifiableTeacher):
        return VerifiableScore(name="score")
    return SelfScoreTask(
        name="score", refined=recipe.scores == "critique", **settings(recipe, scorer, models)
    )

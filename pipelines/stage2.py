"""Stage 2: a trained model drafts answers to new instructions, criticises and refines them.

load → draft → its own critique + refinement → its own independent scores → filters → ledger
(arXiv 2406.07168, section 3.2). This is the pipeline; `pipelines/build.py` runs it.
"""

from collections.abc import Sequence

from builders.errors import BadInput
from builders.overlap import Earlier
from builders.sources import Source
from pipelines import dag
from pipelines.llm import Models
from pipelines.recipe import Stage2Recipe, VerifiableTeacher
from pipelines.self_review import SelfCritique, SelfScore
from pipelines.stage1 import draft_step, load_step, settings
from pipelines.steps import KeepOrDrop, VerifiableScore


def make_pipeline(
    recipe: Stage2Recipe,
    sources: Sequence[Source],
    models: Models,
    *,
    skip: int = 0,
    limit: int | None = None,
) -> dag.Pipeline:
    """The distilabel pipeline of a recipe, for the rows after the first `skip`, up to `limit`.

    BadInput where nobody says what the model was trained on.
    """
    if recipe.disjoint_from is None:
        raise BadInput(
            "disjoint_from: give --model CHECKPOINT, or name the runs and releases that the model "
            "was trained on"
        )
    filters = recipe.filters.as_filters()
    with dag.Pipeline(name=f"srt-stage2-{recipe.name}") as pipeline:
        (
            load_step(recipe, sources, skip, limit, Earlier.in_folders(recipe.disjoint_from))
            >> draft_step(recipe, models)
            >> SelfCritique(
                name="critique",
                filters=filters,
                max_repairs=recipe.max_repairs,
                **settings(recipe, recipe.critic, models),
            )
            >> _score_step(recipe, models)
            >> KeepOrDrop(name="keep_or_drop", filters=filters)
        )
    return pipeline


def _score_step(recipe: Stage2Recipe, models: Models) -> dag.Step:
    scorer = recipe.scorer or recipe.critic
    if isinstance(scorer, VerifiableTeacher):
        return VerifiableScore(name="score")
    return SelfScore(
        name="score", refined=recipe.scores == "review", **settings(recipe, scorer, models)
    )

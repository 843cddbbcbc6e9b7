"""Rounds of refinement: the refinements of one run are the drafts of the next.

In arXiv 2406.07168 scores rise for two rounds and fall after that, so the rounds end when the mean
stops rising.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from builders.ledger.run import Run
from pipelines.recipe.instructions import RefinementInstructions
from pipelines.recipe.models import GivenDrafts
from pipelines.recipe.recipe import Recipe

Build = Callable[[Recipe, Path], Run]


def build_rounds(recipe: Recipe, folder: Path, build: Build) -> Iterator[Run]:
    """Build `recipe.rounds` runs, or fewer if refining stops helping, and yield each one.

    The first is in `folder`, the others in `FOLDER-round2` and so on. An incomplete run is the
    last one.
    """
    run = build(recipe, folder)
    yield run
    for number in range(2, recipe.rounds + 1):
        if run.read_manifest() is None or mean_gain(run) <= 0:
            return
        run = build(
            next_round(recipe, run, number), folder.with_name(f"{folder.name}-round{number}")
        )
        yield run


def next_round(recipe: Recipe, previous: Run, number: int) -> Recipe:
    """The recipe that continues from the refinements of the run `previous`."""
    refiner = getattr(recipe.critic, "model", recipe.critic.kind)
    return recipe.model_copy(
        update={
            "name": f"{recipe.name}-round{number}",
            "instructions": [RefinementInstructions(refinements=previous.folder.resolve())],
            "drafts": GivenDrafts(kind="file", model=refiner),
            "samples": 1,
            "rounds": 1,
        }
    )


def mean_gain(run: Run) -> float:
    """Mean of refinement score − draft score over all rows that have both; 0 if none has.

    Rows that were dropped for a low refinement count too: among kept rows it could only rise.
    """
    gains = [
        row["refinement_score"] - row["draft_score"]
        for row in run.iter_rows(["draft_score", "refinement_score"])
        if row["draft_score"] is not None and row["refinement_score"] is not None
    ]
    return sum(gains) / len(gains) if gains else 0.0

"""Runs a recipe on Ray: the same run as in one process, continued by either.

This process draws the rows, keeps the batches in order and writes the ledger. A batch is handed
over once it is done, and what a worker was paid for is on this machine's disk before that.
"""

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builders.errors import BadInput
from builders.funnel import Funnel
from builders.run import Run
from builders.sources import Source
from pipelines import dag
from pipelines.build import Observer, budget_left, build_run
from pipelines.llm import Models
from pipelines.llms.store import ResponseStore
from pipelines.on_ray.cluster import joined, resources
from pipelines.recipe import AnyModel, Model, Recipe

if TYPE_CHECKING:
    from pipelines.on_ray.keeper import SharedStore


def build_on_ray(
    recipe: Recipe,
    folder: Path,
    observer: Observer | None = None,
    *,
    stop: threading.Event | None = None,
    store: ResponseStore | None = None,
    limit: int | None = None,
) -> Run:
    """`build_run` of a recipe with `execution.kind: ray`.

    BadInput where there is no such Ray, or it is too small.
    """
    if not models_of(recipe):
        raise BadInput("execution.kind: ray needs drafts, critic or scorer that ask a model")
    with _Session(recipe, store) as session:
        return build_run(
            recipe,
            folder,
            observer,
            stop=stop,
            limit=limit,
            prepare=session.prepare,
            load=session.load,
        )


def models_of(recipe: Recipe) -> list[AnyModel]:
    """The models that are asked, equal ones once."""
    found: list[AnyModel] = []
    for model in (recipe.drafts, recipe.critic, recipe.scorer):
        if isinstance(model, Model) and model not in found:
            found.append(model)
    return found


class _Session(ExitStack):
    """Joins the Ray when the run needs it, and leaves it when the run is over."""

    def __init__(self, recipe: Recipe, store: ResponseStore | None) -> None:
        super().__init__()
        self._recipe = recipe
        self._store = store
        self._shared: SharedStore | None = None

    def prepare(self, _run: Run, done: Funnel, _sources: Sequence[Source]) -> Models:
        """The models, which keep and draw on what this machine has."""
        self.enter_context(joined(self._recipe.execution))
        # Not before: it needs Ray installed.
        from pipelines.on_ray.keeper import SharedBudget, SharedStore, start_keeper

        budget = budget_left(self._recipe, done)
        keeper = start_keeper(self._store, budget) if self._store or budget else None
        self._shared = SharedStore(keeper, self._store.path) if self._store else None
        return Models(self._shared, SharedBudget(keeper, budget.unit) if budget else None)

    def load(self, pipeline: dag.Pipeline, models: Models) -> list[Any]:
        """The steps, whose models the replicas have loaded and checked."""
        import ray

        from pipelines.on_ray.pipeline import StreamingRayPipeline

        asked = models_of(self._recipe)
        replicas = self._recipe.execution.replicas
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        by_llm = {
            id(models.get(model)): dag.StepResources(replicas=replicas, **size)
            for model, size in zip(asked, resources(asked, replicas, nodes), strict=True)
        }
        on_ray = StreamingRayPipeline(name=pipeline.name)
        on_ray.dag = pipeline.dag
        for step in dag.chain(on_ray):
            if llm := getattr(step, "llm", None):
                step.resources = by_llm[id(llm)]
        return on_ray.load(self._shared)

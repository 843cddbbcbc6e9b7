"""A Ray for as long as one command works: the models of its runs or audits, and where they run."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from pipelines import dag
from pipelines.llms.budget import Budget
from pipelines.llms.factory import Models
from pipelines.llms.store import CompletionStore
from pipelines.on_ray.cluster import joined, resources
from pipelines.recipe.execution import RayExecution
from pipelines.recipe.models import AnyModel

if TYPE_CHECKING:
    from pipelines.on_ray.keeper import SharedStore


class RaySession(ExitStack):
    """Joins the Ray when its models are asked for, and leaves it at the end."""

    def __init__(self, execution: RayExecution, store: CompletionStore | None) -> None:
        super().__init__()
        self._execution = execution
        self._store = store
        self._shared: SharedStore | None = None

    def models(self, budget: Budget | None) -> Models:
        """The models, with stand-ins for this machine's store and the budget.

        BadInput if the Ray cannot be joined.
        """
        self.enter_context(joined(self._execution))
        # Imported late: it needs Ray, which `joined` has found.
        from pipelines.on_ray.keeper import SharedBudget, SharedStore, start_keeper

        keeper = start_keeper(self._store, budget) if self._store or budget else None
        self._shared = SharedStore(keeper, self._store.path) if self._store else None
        return Models(self._shared, SharedBudget(keeper, budget.unit) if budget else None)

    def load(self, pipeline: dag.Pipeline, models: Models, blocks: Sequence[AnyModel]) -> list[Any]:
        """The steps, once the replicas have loaded and checked the models of `blocks`.

        BadInput if the Ray is too small for them.
        """
        import ray

        from pipelines.on_ray.pipeline import StreamingRayPipeline

        replicas = self._execution.replicas
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        by_llm = {
            id(models.get(block)): dag.StepResources(replicas=replicas, **size)
            for block, size in zip(blocks, resources(blocks, replicas, nodes), strict=True)
        }
        on_ray = StreamingRayPipeline(name=pipeline.name)
        on_ray.dag = pipeline.dag
        for step in dag.chain(on_ray):
            if llm := getattr(step, "llm", None):
                step.resources = by_llm[id(llm)]
        return on_ray.load(self._shared)

"""Runs a recipe on Ray: the same run as in one process, and each can continue the other's.

This process draws the rows, keeps the batches in order and writes the ledger. When a worker
returns a batch, every completion that it paid for is on this machine's disk.
"""

import threading
from pathlib import Path

from builders.errors import BadInput
from builders.ledger.run import Run
from pipelines.generate.build import BuildObserver, budget_left, build_run
from pipelines.llms.store import CompletionStore
from pipelines.on_ray.session import RaySession
from pipelines.recipe.models import AnyModel, Model
from pipelines.recipe.recipe import Recipe


def build_on_ray(
    recipe: Recipe,
    folder: Path,
    observer: BuildObserver | None = None,
    *,
    stop: threading.Event | None = None,
    store: CompletionStore | None = None,
    limit: int | None = None,
) -> Run:
    """`build_run` of a recipe with `execution.kind: ray`.

    BadInput if the Ray cannot be joined, or is too small.
    """
    blocks = _models_of(recipe)
    if not blocks:
        raise BadInput("execution.kind: ray needs drafts, critic or scorer that call a model")
    with RaySession(recipe.execution, store) as session:
        return build_run(
            recipe,
            folder,
            observer,
            stop=stop,
            limit=limit,
            prepare=lambda _run, done, _sources: session.models(budget_left(recipe, done)),
            load=lambda pipeline, models: session.load(pipeline, models, blocks),
        )


def _models_of(recipe: Recipe) -> list[AnyModel]:
    """The models that a run calls, equal ones once."""
    models: list[AnyModel] = []
    for _, model in recipe.blocks():
        if isinstance(model, Model) and model not in models:
            models.append(model)
    return models

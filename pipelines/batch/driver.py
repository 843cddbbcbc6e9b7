"""Runs a recipe through a batch API: the command submits, ends, and continues when run again.

Drafts are requested first, then critiques, then scores. The scores of draft and refinement are
requested together, which saves a day: if the draft's cannot be read, the refinement's was paid
for, and appears in no row and no budget.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from builders.errors import BadInput, RunFailed
from builders.instructions.sources import Source
from builders.ledger.funnel import Funnel
from builders.ledger.run import Run
from pipelines import dag
from pipelines.batch.collect import BatchModels
from pipelines.batch.passes import BatchPasses
from pipelines.generate.build import BuildObserver, budget_left, build_run
from pipelines.generate.failed_rows import rows_to_retry
from pipelines.generate.stage1 import make_pipeline
from pipelines.llms.store import CompletionStore
from pipelines.recipe.models import OpenAIModel
from pipelines.recipe.recipe import Recipe


def build_in_batches(
    recipe: Recipe,
    folder: Path,
    observer: BuildObserver | None = None,
    *,
    stop: threading.Event | None = None,
    store: CompletionStore | None = None,
    limit: int | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> Run:
    """`build_run` of a recipe with `execution.kind: batch`.

    Unless `execution.wait`, it raises RunFailed when a batch is in progress and nothing else
    can be done. `notify` is called with a line about each batch.
    """
    models = [block for _, block in recipe.blocks() if isinstance(block, OpenAIModel)]
    if not models:
        raise BadInput("execution.kind: batch needs drafts, critic or scorer of kind openai")
    passes = BatchPasses(recipe.execution, folder, models, stop=stop, store=store, notify=notify)

    def prepare(run: Run, done: Funnel, sources: Sequence[Source]) -> BatchModels:
        again = rows_to_retry(run)

        def pipelines(models: BatchModels) -> Iterator[dag.Pipeline]:
            skip = run.count_instructions()
            yield make_pipeline(recipe, sources, models, skip=skip, limit=limit, again=again)

        return passes.run(pipelines, lambda: budget_left(recipe, done), retry=bool(again))

    with closing(passes):
        try:
            return build_run(recipe, folder, observer, stop=stop, limit=limit, prepare=prepare)
        except RunFailed:
            passes.retry_failed()
            raise

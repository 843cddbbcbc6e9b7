"""How an audit's judges are asked, by its `execution`, and what they may cost, by its `budget`.

The three ways leave the same answers on disk, and each continues what another one left.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from builders.errors import BadInput, RunFailed
from pipelines.audit.ask import Asking
from pipelines.batch.records import require_no_open_batch
from pipelines.generate.build import load_here
from pipelines.llms.budget import Budget
from pipelines.llms.factory import Models, make_llm
from pipelines.llms.store import CompletionStore
from pipelines.recipe.execution import (
    BatchExecution,
    BudgetLimit,
    ExecutionSettings,
    RayExecution,
)
from pipelines.recipe.models import OpenAIModel

if TYPE_CHECKING:
    from pipelines.batch.passes import BatchPasses

Progress = Callable[[str, int, int], None]


def require_sense(settings: ExecutionSettings, askings: Mapping[str, Asking]) -> None:
    """BadInput if a setting means nothing to these judges."""
    paid = _paid(askings)
    kind, budget = settings.execution.kind, settings.budget
    if kind == "ray" and not askings:
        raise BadInput("execution.kind: ray needs a judge that is asked; all have their scores")
    if kind == "batch" and not paid:
        raise BadInput("execution.kind: batch needs a judge of kind openai")
    if budget is None:
        return
    if not paid:
        raise BadInput("budget: no judge is of kind openai, so nothing is paid for")
    for asking in paid.values():
        if budget.money is not None and asking.model.block.price is None:
            raise BadInput(f"budget.money needs the price of {asking.model.name}")


def ask_all(
    askings: Mapping[str, Asking],
    settings: ExecutionSettings,
    folder: Path,
    *,
    store: CompletionStore | None = None,
    stop: threading.Event | None = None,
    progress: Progress | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> None:
    """Ask every judge for the answers that are not on disk, in one budget.

    RunFailed if the budget is used up, an endpoint fails, a batch is in progress or `stop` was set:
    the same call continues.
    """
    missing = {role: asking for role, asking in askings.items() if not asking.is_complete}
    if not missing:
        return
    if not isinstance(settings.execution, BatchExecution):
        require_no_open_batch(folder)

    def ask(role: str, models: Models, load: Callable) -> None:
        follow = partial(progress, role) if progress else None
        missing[role].ask(models, load, stop=stop, progress=follow)

    def ask_here(roles: Mapping[str, Asking], budget: Budget | None) -> None:
        for role in roles:
            # Of one judge, because `load_here` checks all that it has.
            models = Models(store, budget)
            ask(role, models, partial(load_here, models=models))

    match settings.execution:
        case RayExecution() as execution:
            from pipelines.on_ray.session import RaySession

            with RaySession(execution, store) as session:
                models = session.models(budget_left(settings.budget, askings))
                for role, asking in missing.items():
                    load = partial(session.load, models=models, blocks=[asking.model.block])
                    ask(role, models, load)
        case BatchExecution() as execution:
            # Imported here, because OpenAI's client takes a second.
            from pipelines.batch.passes import BatchPasses

            paid = _paid(missing)
            # First what need not wait for a batch.
            ask_here({role: one for role, one in missing.items() if role not in paid}, None)
            if paid:
                blocks = [asking.model.block for asking in paid.values()]
                passes = BatchPasses(
                    execution, folder, blocks, stop=stop, store=store, notify=notify
                )
                with closing(passes):
                    _ask_in_batches(
                        passes, paid, partial(budget_left, settings.budget, askings), ask
                    )
        case _:
            _check(missing)
            ask_here(missing, budget_left(settings.budget, askings))


def _ask_in_batches(
    passes: "BatchPasses",
    askings: Mapping[str, Asking],
    budget: Callable[[], Budget | None],
    ask: Callable[[str, Models, Callable], None],
) -> None:
    try:
        models = passes.run(
            lambda models: (asking.pipeline(models) for asking in askings.values()), budget
        )
        for role in askings:
            ask(role, models, partial(load_here, models=models))
    except RunFailed:
        passes.retry_failed()
        raise


def _check(askings: Mapping[str, Asking]) -> None:
    """SrtError if the endpoint of any judge is unavailable, before the first one is paid."""
    for asking in _paid(askings).values():
        llm = make_llm(asking.model.block)
        try:
            llm.check()
        finally:
            llm.unload()


def _paid(askings: Mapping[str, Asking]) -> dict[str, Asking]:
    return {
        role: asking
        for role, asking in askings.items()
        if isinstance(asking.model.block, OpenAIModel)
    }


def budget_left(limit: BudgetLimit | None, askings: Mapping[str, Asking]) -> Budget | None:
    """The limit, with what the answers on disk cost already spent."""
    if limit is None:
        return None
    answers = [row for asking in _paid(askings).values() for row in asking.answers()]
    if limit.money is not None:
        return Budget(limit.money, "money", spent=sum(row["cost"] or 0.0 for row in answers))
    tokens = sum((row["tokens_in"] or 0) + (row["tokens_out"] or 0) for row in answers)
    return Budget(limit.tokens, "tokens", spent=tokens)

"""How models are asked, by the settings' `execution`, and what they may cost, by their `budget`.

The three ways leave the same answers on disk, and each continues what another one left.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from builders.errors import BadInput, RunFailed
from pipelines.asking.asking import Asking
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

if TYPE_CHECKING:
    from pipelines.batch.passes import BatchPasses

Progress = Callable[[str, int, int], None]
Askings = Mapping[str, Asking]


def require_sense(settings: ExecutionSettings, askings: Askings, model: str = "judge") -> None:
    """BadInput if a setting means nothing to these models, each of which is a `model`."""
    paid = _paid(askings)
    kind, budget = settings.execution.kind, settings.budget
    if kind == "ray" and not askings:
        raise BadInput(f"execution.kind: ray needs a {model} that is asked, and none is")
    if kind == "batch" and not paid:
        raise BadInput(f"execution.kind: batch needs a {model} of kind openai")
    if budget is None:
        return
    if not paid:
        raise BadInput(f"budget: no {model} is of kind openai, so nothing is paid for")
    for asking in paid.values():
        if budget.money is not None and asking.block.price is None:
            raise BadInput(f"budget.money needs the price of {asking.name}")


class Session:
    """One command's asking: `askings` by role, with the budget and the folder that they share.

    What will be asked only after other answers are there has no rows yet: its answers on disk count
    in the budget, and its endpoint is checked before any other one is paid.
    """

    def __init__(
        self,
        askings: Askings,
        settings: ExecutionSettings,
        folder: Path,
        *,
        store: CompletionStore | None = None,
        stop: threading.Event | None = None,
        progress: Progress | None = None,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._askings = dict(askings)
        self._waiting = set(askings)
        self._settings = settings
        self._folder = folder
        self._store = store
        self._stop = stop
        self._progress = progress
        self._notify = notify

    def ask(self, askings: Askings | None = None) -> None:
        """Ask for the answers that are not on disk; `askings` are all unless some are given.

        RunFailed if the budget is used up, an endpoint fails, a batch is in progress or the command
        was stopped: the same command continues.
        """
        askings = self._askings if askings is None else askings
        self._askings |= askings
        self._waiting -= askings.keys()
        missing = {role: asking for role, asking in askings.items() if not asking.is_complete}
        if not missing:
            return
        # With those that will be asked after these.
        needed = {**missing, **{role: self._askings[role] for role in sorted(self._waiting)}}
        match self._settings.execution:
            case RayExecution() as execution:
                require_no_open_batch(self._folder)
                self._ask_on_ray(execution, missing, needed)
            case BatchExecution() as execution:
                self._ask_in_batches(execution, missing, needed)
            case _:
                require_no_open_batch(self._folder)
                _check(needed)
                self._ask_here(missing, self._budget())

    def _ask(self, asking: Asking, role: str, models: Models, load: Callable) -> None:
        follow = partial(self._progress, role) if self._progress else None
        asking.ask(models, load, stop=self._stop, progress=follow)

    def _ask_here(self, askings: Askings, budget: Budget | None) -> None:
        for role, asking in askings.items():
            # Of one model, because `load_here` checks all that it has.
            models = Models(self._store, budget)
            self._ask(asking, role, models, partial(load_here, models=models))

    def _ask_on_ray(self, execution: RayExecution, askings: Askings, needed: Askings) -> None:
        from pipelines.on_ray.session import RaySession

        with RaySession(execution, self._store) as session:
            models = session.models(self._budget())
            if len(paid := _paid(needed)) > 1:
                # Replicas have the keys, and check an endpoint when they load.
                for asking in paid.values():
                    pipeline = asking.pipeline(models)
                    for step in session.load(pipeline, models=models, blocks=[asking.block])[1:]:
                        step.unload()
            for role, asking in askings.items():
                load = partial(session.load, models=models, blocks=[asking.block])
                self._ask(asking, role, models, load)

    def _ask_in_batches(self, execution: BatchExecution, askings: Askings, needed: Askings) -> None:
        # Imported here, because OpenAI's client takes a second.
        from pipelines.batch.passes import BatchPasses

        paid = _paid(askings)
        # First what need not wait for a batch.
        self._ask_here({role: one for role, one in askings.items() if role not in paid}, None)
        if not paid:
            return
        passes = BatchPasses(
            execution,
            self._folder,
            [asking.block for asking in _paid(needed).values()],
            stop=self._stop,
            store=self._store,
            notify=self._notify,
        )
        with closing(passes):
            try:
                models = self._pass(passes, paid)
                for role, asking in paid.items():
                    self._ask(asking, role, models, partial(load_here, models=models))
            except RunFailed:
                passes.retry_failed()
                raise

    def _pass(self, passes: "BatchPasses", askings: Askings) -> Models:
        def pipelines(models: Models) -> Iterator:
            return (asking.pipeline(models) for asking in askings.values())

        failed = any(asking.failed() for asking in askings.values())
        return passes.run(pipelines, self._budget, retry=failed)

    def _budget(self) -> Budget | None:
        return budget_left(self._settings.budget, self._askings)


def _check(askings: Askings) -> None:
    """SrtError if an endpoint is unavailable, before the first one is paid."""
    for asking in _paid(askings).values():
        llm = make_llm(asking.block)
        try:
            llm.check()
        finally:
            llm.unload()


def _paid(askings: Askings) -> dict[str, Asking]:
    return {role: asking for role, asking in askings.items() if asking.is_paid}


def budget_left(limit: BudgetLimit | None, askings: Askings) -> Budget | None:
    """The limit, with what the answers on disk cost already spent."""
    if limit is None:
        return None
    spent = [asking.spent() for asking in _paid(askings).values()]
    if limit.money is not None:
        return Budget(limit.money, "money", spent=sum(one["cost"] for one in spent))
    tokens = sum(one["tokens_in"] + one["tokens_out"] for one in spent)
    return Budget(limit.tokens, "tokens", spent=tokens)

"""Pass after pass over the rows of a run or an audit, until every answer is stored.

A pass takes every row as far as the stored completions reach, and queues the requests that are
missing. When a pass queues nothing, the caller writes its rows with every completion in the store.
"""

import math
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from builders.errors import BadInput, RunFailed, SrtError
from builders.wording import counted
from pipelines import dag
from pipelines.batch.api import BatchApi
from pipelines.batch.collect import BatchModels, CollectingLLM, destination_of
from pipelines.batch.queue import RequestQueue
from pipelines.batch.records import BatchRecord, BatchRecords
from pipelines.batch.remote_batch import RemoteBatch
from pipelines.batch.results import ResultReader
from pipelines.batch.submit import BatchSubmitter
from pipelines.llms.budget import Budget
from pipelines.llms.endpoint.chat_body import ChatBody
from pipelines.llms.factory import llm_settings
from pipelines.llms.store import CompletionStore
from pipelines.recipe.execution import BatchExecution
from pipelines.recipe.models import OpenAIModel

_PICK_UP = "the same command picks up the results"
# The pipelines of a pass, with its models, for the rows that have not been written.
Pipelines = Callable[[BatchModels], Iterable[dag.Pipeline]]
CurrentBudget = Callable[[], Budget | None]


class BatchPasses:
    """The batches of one run or audit, in FOLDER/batches; the caller holds the folder's lock.

    `notify` is called with a line about each batch.
    """

    def __init__(
        self,
        execution: BatchExecution,
        folder: Path,
        models: Sequence[OpenAIModel],
        *,
        stop: threading.Event | None = None,
        store: CompletionStore | None = None,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._execution = execution
        self._models = models
        self._at = folder
        self._folder = folder / "batches"
        self._stop = stop or threading.Event()
        self._store = store
        self._notify = notify
        self._records = BatchRecords(self._folder)
        self._endpoints: dict[str, tuple[BatchApi, ChatBody]] = {}
        self._queue: RequestQueue | None = None
        self._complete = False

    def close(self) -> None:
        for api, _ in self._endpoints.values():
            api.close()
        if self._queue:
            self._queue.close()

    def retry_failed(self) -> None:
        """After a failure of the last pass: send again, with the next command, what failed."""
        if self._complete:
            self._queue.retry_failed()

    def run(
        self, pipelines: Pipelines, budget: CurrentBudget, *, retry: bool = False
    ) -> BatchModels:
        """Pass after pass until every completion is stored; the models of the last pass.

        `budget` is called for a pass, and has what was spent before it. `retry` sends again what
        was given up. Unless `execution.wait`, RunFailed when a batch is in progress and nothing
        else can be done.
        """
        self._connect()
        self._local_store = CompletionStore(self._folder / "local.sqlite")
        self._queue = RequestQueue(self._folder / "requests.sqlite")
        self._submitter = BatchSubmitter(self._folder, self._queue, self._records, self._notify)
        self._store = self._store or CompletionStore(self._folder / "answers.sqlite")
        if retry and not self._records.open():
            self._queue.retry_failed()
        try:
            return self._passes(pipelines, budget)
        except BaseException:
            if not self._records.all() and not self._local_store.stats().completions:
                # Nothing was sent or computed: leave the folder as it was before.
                shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _connect(self) -> None:
        for model in self._models:
            llm = CollectingLLM(**llm_settings(model))
            body = llm.body()
            destination = destination_of(model)
            if destination in self._endpoints:
                api, other = self._endpoints[destination]
                body = replace(body, with_schema=body.with_schema or other.with_schema)
            else:
                api = BatchApi(llm.address(), model.deadline)
            self._endpoints[destination] = api, body
            api.check()

    def _passes(self, pipelines: Pipelines, budget: CurrentBudget) -> BatchModels:
        while True:
            self._finish_batches()
            spent = budget()
            self._collect(pipelines, spent)
            destinations = self._queue.destinations()
            if not destinations:
                self._complete = True
                return self._models_of_pass(budget(), last_pass=True)
            submitted = self._submit(destinations, spent)
            if not self._execution.wait:
                names = ", ".join(
                    f"{one.batch_id} ({counted(one.requests, 'request')})" for one in submitted
                )
                raise RunFailed(f"{self._at}: batch {names} submitted; {_PICK_UP}")

    def _models_of_pass(self, budget: Budget | None, *, last_pass: bool = False) -> BatchModels:
        return BatchModels(
            self._execution,
            self._store,
            self._local_store,
            self._queue,
            changes=self._records.changes(),
            budget=budget,
            last_pass=last_pass,
        )

    def _collect(self, pipelines: Pipelines, budget: Budget | None) -> None:
        self._queue.start_pass()
        for pipeline in pipelines(self._models_of_pass(budget)):
            for _ in dag.stream(dag.load(pipeline), self._stop):
                pass
        if self._stop.is_set():
            raise RunFailed(f"{self._at}: stopped; the same command continues")

    def _submit(self, destinations: Sequence[str], budget: Budget | None) -> list[BatchRecord]:
        room = budget.limit - budget.spent if budget else math.inf
        submitted: list[BatchRecord] = []
        for destination in destinations:
            api, _ = self._endpoints[destination]
            records, room = self._submitter.submit(api, destination, room)
            submitted += records
        if not submitted:
            unit = "tokens" if budget.unit == "tokens" else "of money"
            raise RunFailed(
                f"the budget of {budget.limit:,g} {unit} is used up ({budget.spent:,.4g} spent, "
                "and no request fits into the rest); the same command with a larger one continues"
            )
        return submitted

    def _finish_batches(self) -> None:
        """Read every finished batch; RunFailed if others are in progress, unless the execution
        is to wait."""
        lines: dict[int, str] = {}  # the last line about each batch, by its number
        while records := self._records.open():
            stops = [stop for record in records if (stop := self._look_at(record, lines))]
            if stops:
                raise stops[0]
            if not (in_progress := self._records.open()):
                return
            if not self._execution.wait:
                progress = ", ".join(lines[record.number] for record in in_progress)
                raise RunFailed(f"{self._at}: {progress}; {_PICK_UP}")
            if self._stop.wait(self._execution.poll):
                raise RunFailed(f"{self._at}: stopped, the batches continue; {_PICK_UP}")

    def _look_at(self, record: BatchRecord, lines: dict[int, str]) -> SrtError | None:
        """Read a batch if it is finished; the error that ends the run, if it has one."""
        api, body = self._endpoint_of(record)
        if record.batch_id is None:
            self._submitter.create(api, record, interrupted=True)
        batch = api.retrieve(record.batch_id)
        if not batch.finished:
            line = f"batch {batch.id} is {batch.status}{batch.progress}"
            if lines.get(record.number) != line:
                self._notify(line)
            lines[record.number] = line
            return None
        body = replace(body, **self._records.changes().get(record.destination, {}))
        reader = ResultReader(
            api, self._store, self._queue, record.number, body, latency=batch.seconds
        )
        self._read(record, batch, reader)
        return reader.stop

    def _read(self, record: BatchRecord, batch: RemoteBatch, reader: ResultReader) -> None:
        for number, file_id in enumerate(batch.files):
            path = self._folder / f"{record.number}.results{number}.jsonl"
            reader.api.download(file_id, path)
            reader.read(path)
            path.unlink()
        if batch.status == "failed":
            self._queue.release(record.number)
            reader.stop = RunFailed(
                f"{reader.api}: batch {batch.id} failed: {batch.errors}; the same command sends "
                "its requests again"
            )
        else:
            reader.finish(batch.status)
        record.state = "failed" if batch.status == "failed" else "read"
        record.status, record.changes = batch.status, reader.changes
        self._records.write(record)
        self._notify(
            f"batch {batch.id} {batch.status}: "
            f"{counted(reader.answered, 'answer')}, {counted(reader.failed, 'failure')}"
        )

    def _endpoint_of(self, record: BatchRecord) -> tuple[BatchApi, ChatBody]:
        try:
            return self._endpoints[record.destination]
        except KeyError:
            raise BadInput(
                f"{self._records.path(record)}: the batch is at {record.destination}, which no "
                "model names any more; set base_url and model back to pick it up"
            ) from None

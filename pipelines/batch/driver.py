"""Runs a recipe by batch API: submitted, left, and picked up by the same command.

A pass takes every row as far as the answers in the store reach, and collects what is missing
there: drafts first, then critiques, then scores. When a pass collects nothing, the run is made
like any other, with every answer at hand.

The scores of draft and refinement travel together, which saves a day: where the draft's cannot
be read, the refinement's was paid for, and no row and no budget shows it.
"""

import math
import shutil
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from builders.errors import BadInput, RunFailed, SrtError
from builders.funnel import Funnel
from builders.run import Run
from builders.sources import Source
from pipelines import dag
from pipelines.batch.api import ENDPOINT, BatchApi
from pipelines.batch.collect import BatchModels, collecting, destination_of
from pipelines.batch.records import BatchRecord, Records
from pipelines.batch.results import Reader
from pipelines.batch.waiting import Collected, Waiting
from pipelines.build import Observer, budget_left, build_run
from pipelines.llms.budget import Budget
from pipelines.llms.chat_body import ChatBody
from pipelines.llms.store import ResponseStore
from pipelines.recipe import BatchExecution, OpenAIModel, Recipe
from pipelines.stage1 import make_pipeline

# OpenAI takes 50,000 requests and 200 MB in a batch.
MAX_REQUESTS = 50_000
MAX_BYTES = 190_000_000

_OVER = ("completed", "failed", "expired", "cancelled")
_AGAIN = "the same command picks up the results"


def build_in_batches(
    recipe: Recipe,
    folder: Path,
    observer: Observer | None = None,
    *,
    stop: threading.Event | None = None,
    store: ResponseStore | None = None,
    limit: int | None = None,
    say: Callable[[str], None] | None = None,
) -> Run:
    """`build_run` of a recipe with `execution.kind: batch`.

    RunFailed, unless `execution.wait`, where a batch is on its way and nothing else can be
    done. `say` is told in a line what happens.
    """
    if not _endpoints(recipe):
        raise BadInput("execution.kind: batch needs drafts, critic or scorer of kind openai")
    with closing(_Batches(recipe, folder, stop, store, limit, say or _silence)) as batches:
        try:
            return build_run(
                recipe, folder, observer, stop=stop, limit=limit, prepare=batches.prepare
            )
        except RunFailed:
            batches.forgive()
            raise


def _silence(_: str) -> None: ...


def _endpoints(recipe: Recipe) -> list[OpenAIModel]:
    models = (recipe.drafts, recipe.critic, recipe.scorer)
    return [model for model in models if isinstance(model, OpenAIModel)]


class _Batches:
    """The batches of one run folder, whose lock is held while `prepare` is at work."""

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        stop: threading.Event | None,
        store: ResponseStore | None,
        limit: int | None,
        say: Callable[[str], None],
    ) -> None:
        self._recipe = recipe
        self._execution: BatchExecution = recipe.execution
        self._folder = folder / "batches"
        self._stop = stop or threading.Event()
        self._store = store
        self._limit = limit
        self._say = say
        self._records = Records(self._folder)
        self._endpoints: dict[str, tuple[BatchApi, ChatBody]] = {}
        self._waiting: Waiting | None = None
        self._prepared = False

    def close(self) -> None:
        for api, _ in self._endpoints.values():
            api.close()
        if self._waiting:
            self._waiting.close()

    def forgive(self) -> None:
        """Ask again, in the next run of the command, for what the last pass failed by."""
        if self._prepared:
            self._waiting.forgive()

    def prepare(self, run: Run, done: Funnel, sources: Sequence[Source]) -> BatchModels:
        """Pass after pass, until every answer is at hand: then the models of the last one."""
        self._connect()
        self._local = ResponseStore(self._folder / "local.sqlite")
        self._waiting = Waiting(self._folder / "requests.sqlite")
        self._store = self._store or ResponseStore(self._folder / "answers.sqlite")
        try:
            return self._passes(run, done, sources)
        except BaseException:
            if not self._records.all() and not self._local.stats().completions:
                # Nothing was sent or computed: the run is as if it had not been begun.
                shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _passes(self, run: Run, done: Funnel, sources: Sequence[Source]) -> BatchModels:
        while True:
            self._settle(run)
            budget = budget_left(self._recipe, done)
            self._collect(run, sources, done.rows, budget)
            destinations = self._waiting.destinations()
            if not destinations:
                self._prepared = True
                return self._models(budget_left(self._recipe, done), last_pass=True)
            sent = self._submit(destinations, budget)
            if not self._execution.wait:
                names = ", ".join(f"{one.batch_id} ({one.requests:,} requests)" for one in sent)
                raise RunFailed(f"{run.folder}: batch {names} submitted; {_AGAIN}")

    def _connect(self) -> None:
        for model in _endpoints(self._recipe):
            llm = collecting(model)
            body = llm.body
            destination = destination_of(model)
            if destination in self._endpoints:
                api, other = self._endpoints[destination]
                body = replace(body, with_schema=body.with_schema or other.with_schema)
            else:
                api = BatchApi(llm.address(), model.deadline)
            self._endpoints[destination] = api, body
            api.check()

    def _models(self, budget: Budget | None, *, last_pass: bool = False) -> BatchModels:
        return BatchModels(
            self._recipe,
            self._store,
            self._local,
            self._waiting,
            changes=self._records.changes(),
            budget=budget,
            last_pass=last_pass,
        )

    def _collect(
        self, run: Run, sources: Sequence[Source], skip: int, budget: Budget | None
    ) -> None:
        self._waiting.begin_pass()
        pipeline = make_pipeline(
            self._recipe, sources, self._models(budget), skip=skip, limit=self._limit
        )
        for _ in dag.stream(dag.load(pipeline), self._stop):
            pass
        if self._stop.is_set():
            raise RunFailed(f"{run.folder}: stopped; the same command continues")

    def _settle(self, run: Run) -> None:
        """Read every batch that is over; RunFailed where others are not, unless they are waited
        for."""
        said: dict[int, str] = {}
        while records := self._records.outstanding():
            stops = [error for record in records if (error := self._look(record, said))]
            if stops:
                raise stops[0]
            if not (left := self._records.outstanding()):
                return
            if not self._execution.wait:
                progress = ", ".join(said[record.number] for record in left)
                raise RunFailed(f"{run.folder}: {progress}; {_AGAIN}")
            if self._stop.wait(self._execution.poll):
                raise RunFailed(f"{run.folder}: stopped, batches go on; {_AGAIN}")

    def _look(self, record: BatchRecord, said: dict[int, str]) -> SrtError | None:
        """Read a batch if it is over, and return what it says of the whole run, if anything."""
        api, body = self._endpoint_of(record)
        if record.batch_id is None:
            self._create(api, record, lost=True)
        batch = api.batch(record.batch_id)
        status = api.say(str(batch.get("status")))
        if status not in _OVER:
            line = f"batch {record.batch_id} is {status}{_progress(batch)}"
            if said.get(record.number) != line:
                self._say(line)
            said[record.number] = line
            return None
        return self._read(
            record,
            batch,
            status,
            Reader(
                api,
                self._store,
                self._waiting,
                record.number,
                replace(body, **self._records.changes().get(record.destination, {})),
                _seconds(batch),
            ),
        )

    def _read(
        self, record: BatchRecord, batch: dict[str, Any], status: str, reader: Reader
    ) -> SrtError | None:
        for name in ("output_file_id", "error_file_id"):
            file_id = batch.get(name)
            if isinstance(file_id, str) and file_id:
                path = self._folder / f"{record.number}.{name}.jsonl"
                reader.api.download(file_id, path)
                reader.read(path)
                path.unlink()
        if status == "failed":
            self._waiting.release(record.number)
            said = reader.api.say(_errors(batch))
            reader.stop = RunFailed(
                f"{reader.api}: batch {record.batch_id} failed: {said}; the same command sends "
                "its requests again"
            )
        else:
            reader.finish(status)
        record.state = "failed" if status == "failed" else "read"
        record.status, record.changes = status, reader.changes
        self._records.write(record)
        self._say(
            f"batch {record.batch_id} {status}: {reader.answered:,} answers, "
            f"{reader.failed:,} failures"
        )
        return reader.stop

    def _endpoint_of(self, record: BatchRecord) -> tuple[BatchApi, ChatBody]:
        try:
            return self._endpoints[record.destination]
        except KeyError:
            raise BadInput(
                f"{self._records.path(record)}: the batch is at {record.destination}, which the "
                "recipe does not name any more; set base_url and model back to pick it up"
            ) from None

    def _submit(self, destinations: Iterable[str], budget: Budget | None) -> list[BatchRecord]:
        """Send what is collected, as far as the budget goes, in as many batches as it takes."""
        sent: list[BatchRecord] = []
        room = budget.limit - budget.spent if budget else math.inf
        for destination in destinations:
            api, _ = self._endpoints[destination]
            path = self._folder / "requests.jsonl"
            after = 0
            while part := self._write_part(path, destination, after, room):
                number = self._records.next_number()
                self._waiting.enter(number, destination, part.first, part.last)
                file_id = api.upload(path)
                record = BatchRecord(number, destination, part.requests, file_id, uuid.uuid4().hex)
                # Before the batch is made: from then on, it is found again.
                self._records.write(record)
                self._create(api, record)
                sent.append(record)
                room -= part.at_most
                after = part.last
            path.unlink(missing_ok=True)
        if not sent:
            unit = "tokens" if budget.unit == "tokens" else "of money"
            raise RunFailed(
                f"the budget of {budget.limit:,g} {unit} is used up ({budget.spent:,.4g} spent, "
                "and no request fits into the rest); the same command with a larger one continues"
            )
        return sent

    def _write_part(self, path: Path, destination: str, after: int, room: float) -> "_Part | None":
        """The next requests that fit into one batch and the budget; None where there are none."""
        part: _Part | None = None
        size = 0
        with path.open("wb") as file:
            for number, request in self._waiting.collected(destination, after):
                line = _line(request)
                part_or_first = part or _Part(number)
                full = part_or_first.requests >= MAX_REQUESTS or size + len(line) > MAX_BYTES
                if part_or_first.at_most + request.at_most > room or (full and part):
                    break
                part = part_or_first
                file.write(line)
                size += len(line)
                part.requests += 1
                part.last = number
                part.at_most += request.at_most
        return part

    def _create(self, api: BatchApi, record: BatchRecord, *, lost: bool = False) -> None:
        """Make the batch of an uploaded file; where it may have been made already, find it."""
        try:
            batch = api.find(record.file_id, record.token) if lost else None
            batch = batch or api.create(record.file_id, record.token)
        except BadInput:
            record.state = "failed"
            self._waiting.release(record.number)
            self._records.write(record)
            raise
        record.batch_id, record.state = batch["id"], "submitted"
        self._records.write(record)
        self._say(f"batch {record.batch_id}: {record.requests:,} requests submitted")


@dataclass
class _Part:
    """The collected requests numbered `first` to `last`, and the most that they may take."""

    first: int
    last: int = 0
    requests: int = 0
    at_most: float = 0.0


def _line(request: Collected) -> bytes:
    return b'{"custom_id":"%s","method":"POST","url":"%s","body":%s}\n' % (
        request.key.hex().encode(),
        ENDPOINT.encode(),
        request.body,
    )


def _progress(batch: dict[str, Any]) -> str:
    counts = batch.get("request_counts")
    if not isinstance(counts, dict) or not isinstance(counts.get("total"), int):
        return ""
    done = [counts.get(name) for name in ("completed", "failed")]
    done = sum(count for count in done if isinstance(count, int))
    return f" ({done:,} of {counts['total']:,} requests done)"


def _seconds(batch: dict[str, Any]) -> float:
    """How long a batch took, as far as it says so."""
    begun, over = batch.get("created_at"), batch.get("completed_at")
    if not isinstance(begun, int | float) or not isinstance(over, int | float):
        return 0.0
    return max(0.0, float(over - begun))


def _errors(batch: dict[str, Any]) -> str:
    errors = batch.get("errors")
    data = errors.get("data") if isinstance(errors, dict) else None
    messages = [
        str(error.get("message") or error.get("code"))
        for error in data or ()
        if isinstance(error, dict)
    ]
    return "; ".join(messages[:3]) or "no reason was given"

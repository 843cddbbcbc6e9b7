"""From queued requests to submitted batches: files written, uploaded and recorded."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from builders.errors import BadInput
from builders.wording import counted
from pipelines.batch.api import CHAT_PATH, BatchApi
from pipelines.batch.queue import QueuedRequest, RequestQueue
from pipelines.batch.records import BatchRecord, BatchRecords

# OpenAI takes 50,000 requests and 200 MB in a batch.
MAX_REQUESTS = 50_000
MAX_BYTES = 190_000_000


@dataclass
class _Slice:
    """The queued requests numbered `first` to `last`, and the most that they may cost."""

    first: int
    last: int = 0
    requests: int = 0
    at_most: float = 0.0


@dataclass(frozen=True)
class BatchSubmitter:
    """`notify` is called with a line about each batch."""

    folder: Path
    queue: RequestQueue
    records: BatchRecords
    notify: Callable[[str], None]

    def submit(
        self, api: BatchApi, destination: str, room: float
    ) -> tuple[list[BatchRecord], float]:
        """Submit a destination's requests, as far as the budget's `room` goes, in as many batches
        as it takes; the batches, and the room that is left."""
        submitted: list[BatchRecord] = []
        path = self.folder / "requests.jsonl"
        after = 0
        while part := self._write(path, destination, after, room):
            number = self.records.next_number()
            self.queue.move_to_batch(number, destination, part.first, part.last)
            file_id = api.upload(path)
            record = BatchRecord(number, destination, part.requests, file_id, uuid.uuid4().hex)
            # Before the batch is created: from here on it can be found.
            self.records.write(record)
            self.create(api, record)
            submitted.append(record)
            room -= part.at_most
            after = part.last
        path.unlink(missing_ok=True)
        return submitted, room

    def create(self, api: BatchApi, record: BatchRecord, *, interrupted: bool = False) -> None:
        """Create the batch of an uploaded file, or find it if creating it was `interrupted`."""
        try:
            batch = api.find(record.file_id, record.token) if interrupted else None
            batch = batch or api.create(record.file_id, record.token)
        except BadInput:
            record.state = "failed"
            self.queue.release(record.number)
            self.records.write(record)
            raise
        record.batch_id, record.state = batch.id, "submitted"
        self.records.write(record)
        self.notify(f"batch {record.batch_id}: {counted(record.requests, 'request')} submitted")

    def _write(self, path: Path, destination: str, after: int, room: float) -> _Slice | None:
        """Write the next requests that fit into one batch and the budget; None if none does."""
        part: _Slice | None = None
        size = 0
        with path.open("wb") as file:
            for number, request in self.queue.queued(destination, after):
                line = _line(request)
                current = part or _Slice(number)
                full = current.requests >= MAX_REQUESTS or size + len(line) > MAX_BYTES
                if current.at_most + request.at_most > room or (full and part):
                    break
                part = current
                file.write(line)
                size += len(line)
                part.requests += 1
                part.last = number
                part.at_most += request.at_most
        return part


def _line(request: QueuedRequest) -> bytes:
    return b'{"custom_id":"%s","method":"POST","url":"%s","body":%s}\n' % (
        request.key.hex().encode(),
        CHAT_PATH.encode(),
        request.body,
    )

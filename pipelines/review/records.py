"""Uploading records and downloading responses in bulk over REST.

A record is identified by its external id, which is unique in its dataset, so sending it twice does
no harm. Argilla's client could do both, but it keeps a model of every record in memory and cannot
read a response that was discarded without values.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from builders.errors import BadInput, reason_of
from pipelines.review.escape import unguarded
from pipelines.review.server import Server, detail

# The server's limits on records in one request and in one response.
_MAX_SENT, _MAX_LISTED = 500, 1000
# The approximate size of a page or a batch, which is what is in memory at once.
_TARGET_BYTES = 4_000_000
_FIRST_PAGE = 100


@dataclass(frozen=True)
class ServerResponse:
    """One annotator's current response to a record; times are in UTC and have a zone.

    `status` is submitted, discarded or draft. `values` maps questions to values; it is empty if the
    response was discarded without any.
    """

    id: str
    user_id: str
    status: str
    values: dict[str, Any]
    inserted_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class ServerRecord:
    """`id` is the server's, `external_id` ours; None if the record is from somewhere else."""

    id: str
    external_id: str | None
    responses: tuple[ServerResponse, ...]


@dataclass(frozen=True)
class UploadCounts:
    """How many records were sent, and how many were already on the server unchanged."""

    sent: int
    unchanged: int


def upload(
    server: Server,
    dataset_id: str,
    records: Iterable[dict[str, Any]],
    on_progress: Callable[[int], None] | None = None,
) -> UploadCounts:
    """Put records into a published dataset, in order; those there unchanged are not sent.

    Records have the form of the REST API: `external_id`, `fields`, and optionally `metadata` and
    `suggestions` (each with `question_id` and `value`, and optionally `score`, `agent`, `type`). A
    missing key leaves what the server has; responses never change. `records` is consumed as it is
    sent, a few megabytes at a time. `on_progress` is called with the number of records done. A
    request whose connection is lost is repeated; the same call resumes an upload that was killed.

    BadInput naming the record if the server refuses one; ValueError if two have one external id.
    """
    existing = {
        record["external_id"]: _Digest.of(record)
        for record in _list(server, dataset_id, include="suggestions")
    }
    seen: set[str] = set()
    sent = unchanged = 0

    def changed() -> Iterator[dict[str, Any]]:
        """The records to send; the others are counted."""
        nonlocal unchanged
        for record in records:
            key = record["external_id"]
            if key in seen:
                raise ValueError(f"two records have the external id {key!r}")
            seen.add(key)
            if key in existing and _Digest.of(record).is_part_of(existing[key]):
                unchanged += 1
                if on_progress:
                    on_progress(sent + unchanged)
            else:
                yield record

    for batch in _batches(changed()):
        _put(server, dataset_id, batch)
        sent += len(batch)
        if on_progress:
            on_progress(sent + unchanged)
    return UploadCounts(sent, unchanged)


def external_ids(server: Server, dataset_id: str) -> set[str]:
    """The external ids of all records in the dataset."""
    ids = (record["external_id"] for record in _list(server, dataset_id))
    return {external_id for external_id in ids if external_id is not None}


def state_mark(server: Server, dataset_id: str) -> str:
    """A digest that changes whenever a response is added, edited or deleted.

    For incremental pulls: take the mark, download, and store the mark; while the dataset has the
    same mark, there is nothing to download. A response that arrives during the download may or may
    not be in it, and changes the mark either way. Costs three small requests. It misses a response
    that a program (not the page) overwrites together with its record, by the client's
    `records.log`.
    """
    # The server sets the time in the response's own transaction; the other two change if records or
    # users are deleted together with their responses.
    dataset = server.request("GET", f"datasets/{dataset_id}")
    progress = server.request("GET", f"datasets/{dataset_id}/users/progress")
    records = server.request("GET", f"datasets/{dataset_id}/records", limit=1)
    facts = [dataset["last_activity_at"], progress["users"], records["total"]]
    return _hash(facts).hex()


def download(server: Server, dataset_id: str) -> Iterator[ServerRecord]:
    """Every record with its responses, in the order in which the records were added.

    Streamed, a few megabytes at a time. No record is skipped or repeated if others are deleted
    meanwhile. The server has no time of change for a record that covers its responses, so a
    download has everything, or (by `state_mark`) can be skipped.
    """
    for record in _list(server, dataset_id, include="responses"):
        responses = tuple(_response(response) for response in record["responses"])
        yield ServerRecord(record["id"], record["external_id"], responses)


def _response(response: dict[str, Any]) -> ServerResponse:
    values = response["values"] or {}
    return ServerResponse(
        response["id"],
        response["user_id"],
        response["status"],
        {question: unguarded(answer["value"]) for question, answer in values.items()},
        _time(response["inserted_at"]),
        _time(response["updated_at"]),
    )


def _time(text: str) -> datetime:
    """The server's times are in UTC, without a zone."""
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _list(server: Server, dataset_id: str, **params: str) -> Iterator[dict[str, Any]]:
    """Every record once, page by page.

    From the server's database, since its search engine may lag behind. Pages are addressed by
    offset, and if records are deleted meanwhile, the rest move up. So a page has to start with a
    record that was already seen; if it does not, a page from further back is requested.
    """
    seen: set[bytes] = set()
    path, offset, limit, back = f"datasets/{dataset_id}/records", 0, _FIRST_PAGE, 1
    while True:
        with server.plain_errors():
            response = server.send("GET", path, offset=offset, limit=limit, **params)
            items = response.json()["items"]
        keys = [bytes.fromhex(record["id"].replace("-", "")) for record in items]
        if offset and not (keys and keys[0] in seen):
            offset, back = max(0, offset - back), 2 * back
            continue
        for key, record in zip(keys, items, strict=True):
            if key not in seen:
                seen.add(key)
                yield record
        if len(items) < limit:
            return
        offset, back = offset + len(items) - 1, 1
        fitting = _TARGET_BYTES * len(items) // len(response.content)
        limit = max(2, min(fitting, _MAX_LISTED))


@dataclass(frozen=True, slots=True)
class _Digest:
    """A hash of each part of a record; None for parts that it does not have."""

    fields: bytes
    metadata: bytes | None
    suggestions: bytes | None

    @classmethod
    def of(cls, record: dict[str, Any]) -> "_Digest":
        metadata, suggestions = record.get("metadata"), record.get("suggestions")
        return cls(
            _hash(record["fields"]),
            None if metadata is None else _hash(metadata),
            _hash(_plain(suggestions)) if suggestions else None,
        )

    def is_part_of(self, other: "_Digest") -> bool:
        """Whether sending this record over the other would change nothing."""
        return (
            self.fields == other.fields
            and self.metadata in (None, other.metadata)
            and self.suggestions in (None, other.suggestions)
        )


def _plain(suggestions: list[dict[str, Any]]) -> list[list[Any]]:
    keys = ("question_id", "value", "score", "agent", "type")
    return sorted(([each.get(key) for key in keys] for each in suggestions), key=lambda row: row[0])


def _hash(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


@dataclass(frozen=True)
class _Item:
    """A record serialized for sending."""

    external_id: str
    content: bytes

    @classmethod
    def of(cls, record: dict[str, Any]) -> "_Item":
        key = record["external_id"]
        try:
            return cls(key, json.dumps(record, ensure_ascii=False, allow_nan=False).encode())
        except ValueError as error:
            raise BadInput(f"the record {key} cannot be sent: {reason_of(error)}") from None


def _batches(records: Iterable[dict[str, Any]]) -> Iterator[list[_Item]]:
    batch, size = [], 0
    for record in records:
        item = _Item.of(record)
        if batch and (len(batch) == _MAX_SENT or size + len(item.content) > _TARGET_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.content)
    if batch:
        yield batch


def _put(server: Server, dataset_id: str, batch: list[_Item]) -> None:
    import httpx

    content = b'{"items":[' + b",".join(item.content for item in batch) + b"]}"
    with server.plain_errors():
        try:
            server.send("PUT", f"datasets/{dataset_id}/records/bulk", content)
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            if status == 413 and len(batch) > 1:
                # A proxy in front of the server has a lower limit.
                middle = len(batch) // 2
                _put(server, dataset_id, batch[:middle])
                _put(server, dataset_id, batch[middle:])
            elif status == 422:
                raise _refusal(server, batch, str(detail(error.response))) from None
            else:
                raise


def _refusal(server: Server, batch: list[_Item], text: str) -> BadInput:
    """The server's refusal of a batch, which names a record by its position there."""
    match = re.search(r"at position (\d+) is not valid because (.*)", text)
    if match and int(match[1]) < len(batch):
        key = batch[int(match[1])].external_id
        return BadInput(f"{server.url} refuses the record {key}: {reason_of(match[2])}")
    return BadInput(f"{server.url} refuses the records: {reason_of(text)}")

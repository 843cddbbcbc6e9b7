"""Records and their answers, in bulk over REST: up without repeating, down without missing.

A record is known by its external id, which is unique in its dataset: to send one twice does no
harm. The client's own way of both builds a model of everything, keeps all of them, and cannot read
a response that was discarded with no values.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from builders.errors import BadInput
from pipelines.review.server import Server, detail, reason

# The most that a server takes in one request, and gives.
_MOST_SENT, _MOST_GIVEN = 500, 1000
# A page or a batch is about so large, in bytes: what is in memory at once.
_ABOUT_BYTES = 4_000_000
_FIRST_PAGE = 100


@dataclass(frozen=True)
class ServerResponse:
    """One person's answer to a record, as it is now; times are in UTC and aware.

    `status` is submitted, discarded or draft. `values` maps a question's name to its value, and is
    empty where a response was discarded with none.
    """

    id: str
    user_id: str
    status: str
    values: dict[str, Any]
    inserted_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class ServerRecord:
    """`id` is the server's own; `external_id` ours, None where someone else put the record in."""

    id: str
    external_id: str | None
    responses: tuple[ServerResponse, ...]


@dataclass(frozen=True)
class Uploaded:
    """How many records were sent, and how many were there already as they are."""

    sent: int
    unchanged: int


def upload(
    server: Server,
    dataset_id: str,
    records: Iterable[dict[str, Any]],
    on_progress: Callable[[int], None] | None = None,
) -> Uploaded:
    """Put the records into a published dataset, in their order; what is there unchanged is not
    sent again.

    A record is as REST has it: `external_id`, `fields`, and where it has them `metadata` and
    `suggestions` (each with `question_id` and `value`, if need be `score`, `agent`, `type`). A key
    that a record lacks leaves what the server has; responses are never touched. Records are taken
    as they are sent, some megabytes at a time. `on_progress` is called with the number of records
    settled so far. A lost connection is tried again; a killed upload is continued by the same call.

    BadInput where the server refuses a record, naming it; ValueError for two of one external id.
    """
    there = {
        record["external_id"]: _Digest.of(record)
        for record in _all(server, dataset_id, include="suggestions")
    }
    seen: set[str] = set()
    sent = unchanged = 0

    def changed() -> Iterator[dict[str, Any]]:
        """The records to be sent; the others are counted."""
        nonlocal unchanged
        for record in records:
            key = record["external_id"]
            if key in seen:
                raise ValueError(f"two records have the external id {key!r}")
            seen.add(key)
            if key in there and _Digest.of(record).within(there[key]):
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
    return Uploaded(sent, unchanged)


def external_ids(server: Server, dataset_id: str) -> set[str]:
    """The external ids of all records that the dataset has."""
    ids = (record["external_id"] for record in _all(server, dataset_id))
    return {each for each in ids if each is not None}


def mark(server: Server, dataset_id: str) -> str:
    """A word that is another one as soon as a response is made, edited or taken back.

    For an incremental pull: take the mark, download, keep the mark; as long as the dataset has that
    mark there is nothing to download. A response that arrives during the download may be in it
    or not, and changes the mark either way. Three small requests. Not seen is a response that a
    program (not the page) writes over together with its record, by the client's `records.log`.
    """
    # The server sets the time in the transaction of the response; the two others change where
    # records or people are deleted with their responses.
    dataset = server.ask("GET", f"datasets/{dataset_id}")
    progress = server.ask("GET", f"datasets/{dataset_id}/users/progress")
    records = server.ask("GET", f"datasets/{dataset_id}/records", limit=1)
    facts = [dataset["last_activity_at"], progress["users"], records["total"]]
    return _hash(facts).hex()


def download(server: Server, dataset_id: str) -> Iterator[ServerRecord]:
    """Every record with its responses, in the order in which the records were put in.

    Streamed, a few megabytes at a time. No record is missed or given twice where others are
    deleted meanwhile. The server keeps no time of change for a record that covers its responses,
    so a download is all or, by the `mark`, nothing.
    """
    for record in _all(server, dataset_id, include="responses"):
        responses = tuple(_response(response) for response in record["responses"])
        yield ServerRecord(record["id"], record["external_id"], responses)


def _response(response: dict[str, Any]) -> ServerResponse:
    values = response["values"] or {}
    return ServerResponse(
        response["id"],
        response["user_id"],
        response["status"],
        {question: given["value"] for question, given in values.items()},
        _time(response["inserted_at"]),
        _time(response["updated_at"]),
    )


def _time(text: str) -> datetime:
    """The server's times are in UTC and do not say so."""
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _all(server: Server, dataset_id: str, **params: str) -> Iterator[dict[str, Any]]:
    """Every record as the server tells it, once.

    From its database, page by page: its search engine may lag behind. The pages are counted off
    by number, and records deleted meanwhile move the rest up. So a page begins with a record that
    was seen before; where it does not, it is asked for from further back.
    """
    seen: set[bytes] = set()
    path, offset, limit, back = f"datasets/{dataset_id}/records", 0, _FIRST_PAGE, 1
    while True:
        with server.complaints():
            answer = server.send("GET", path, offset=offset, limit=limit, **params)
            items = answer.json()["items"]
        if offset and not (items and _bytes(items[0]["id"]) in seen):
            offset, back = max(0, offset - back), 2 * back
            continue
        for record in items:
            if _bytes(record["id"]) not in seen:
                seen.add(_bytes(record["id"]))
                yield record
        if len(items) < limit:
            return
        offset, back = offset + len(items) - 1, 1
        limit = _clamp(_ABOUT_BYTES * len(items) // len(answer.content), 2, _MOST_GIVEN)


def _bytes(identifier: str) -> bytes:
    return bytes.fromhex(identifier.replace("-", ""))


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))


@dataclass(frozen=True, slots=True)
class _Digest:
    """What a record holds, a hash for each part; None for what it does not name."""

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

    def within(self, other: "_Digest") -> bool:
        """Whether to send the record that this is of would change nothing in the other."""
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
    """A record as it is sent."""

    external_id: str
    content: bytes


def _item(record: dict[str, Any]) -> _Item:
    key = record["external_id"]
    try:
        return _Item(key, json.dumps(record, ensure_ascii=False, allow_nan=False).encode())
    except ValueError as error:
        raise BadInput(f"the record {key} cannot be sent: {reason(error)}") from None


def _batches(records: Iterable[dict[str, Any]]) -> Iterator[list[_Item]]:
    batch, size = [], 0
    for record in records:
        item = _item(record)
        if batch and (len(batch) == _MOST_SENT or size + len(item.content) > _ABOUT_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.content)
    if batch:
        yield batch


def _put(server: Server, dataset_id: str, batch: list[_Item]) -> None:
    import httpx

    content = b'{"items":[' + b",".join(item.content for item in batch) + b"]}"
    with server.complaints():
        try:
            server.send("PUT", f"datasets/{dataset_id}/records/bulk", content)
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            if status == 413 and len(batch) > 1:
                # A proxy before the server has a limit of its own.
                middle = len(batch) // 2
                _put(server, dataset_id, batch[:middle])
                _put(server, dataset_id, batch[middle:])
            elif status == 422:
                raise BadInput(_refused(server, batch, str(detail(error.response)))) from None
            else:
                raise


def _refused(server: Server, batch: list[_Item], said: str) -> str:
    """Which record the server refuses, and why: it counts them by their place in the batch."""
    found = re.search(r"at position (\d+) is not valid because (.*)", said)
    if found and int(found[1]) < len(batch):
        key = batch[int(found[1])].external_id
        return f"{server.url} refuses the record {key}: {reason(found[2])}"
    return f"{server.url} refuses the records: {reason(said)}"

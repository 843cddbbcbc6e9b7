"""The requests of a run that have no completion yet: queued, in a batch, or given up.

SQLite in the run folder: a million requests take no memory, and none is listed twice.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from builders.errors import RunFailed
from pipelines.llms.messages import Completion

# How often a request goes into a batch before its row is dropped.
MAX_ATTEMPTS = 3

_SCHEMA = """
create table if not exists requests (
    key blob primary key,
    destination text not null,
    body blob,
    at_most real not null,
    batch integer,
    attempts integer not null default 0,
    tokens_in integer not null default 0,
    tokens_out integer not null default 0,
    failures text not null default '[]',
    reason text,
    detail text
)
"""
_KEYS_PER_QUERY = 1000


@dataclass(frozen=True, slots=True)
class QueuedRequest:
    """A request to send: its key in the store, its body as JSON, and the most it may cost."""

    key: bytes
    body: bytes
    at_most: float = 0.0


@dataclass(frozen=True, slots=True)
class PastAttempts:
    """A request's failures in earlier batches, and the tokens that they were paid for."""

    attempts: int
    tokens_in: int
    tokens_out: int
    failures: tuple[str, ...]


class RequestQueue:
    """Shared by any number of threads of one process, which holds the run's lock.

    `destination` is an endpoint and a model, which all requests of a batch share. A request is
    queued while it has a body, then in the batch of that number, and removed when its
    completion is in the store.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        with self._one_line_errors():
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute("pragma synchronous = normal")
            self._connection.execute(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def start_pass(self) -> None:
        """Empty the queue; called while no batch is open."""
        self._write("delete from requests where attempts = 0 and reason is null")
        self._write("update requests set batch = null, body = null")

    def add(self, destination: str, requests: Iterable[QueuedRequest]) -> None:
        with self._one_line_errors():
            self._connection.execute("begin")
            self._connection.executemany(
                "insert into requests (key, destination, body, at_most) values (?, ?, ?, ?) "
                "on conflict (key) do update set destination = excluded.destination, "
                "body = excluded.body, at_most = excluded.at_most where batch is null",
                ((one.key, destination, one.body, one.at_most) for one in requests),
            )
            self._connection.execute("commit")

    def given_up(self, keys: Sequence[bytes]) -> dict[bytes, Completion]:
        """The requests among `keys` that are not sent again, as completions without text."""
        completions: dict[bytes, Completion] = {}
        for start in range(0, len(keys), _KEYS_PER_QUERY):
            some = keys[start : start + _KEYS_PER_QUERY]
            marks = ",".join("?" * len(some))
            rows = self._read(
                "select key, tokens_in, tokens_out, reason, detail, attempts, failures "  # noqa: S608
                f"from requests where reason is not null and key in ({marks})",
                some,
            )
            for key, tokens_in, tokens_out, reason, detail, attempts, failures in rows:
                completions[key] = Completion(
                    None,
                    tokens_in=tokens_in,
                    tokens_out=tokens_out,
                    reason=reason,
                    detail=detail,
                    attempts=attempts,
                    failures=tuple(orjson.loads(failures)),
                )
        return completions

    def destinations(self) -> list[str]:
        """The destinations that requests are queued for."""
        rows = self._read("select destination from requests where body is not null group by 1")
        return [destination for (destination,) in rows]

    def queued(self, destination: str, after: int) -> Iterator[tuple[int, QueuedRequest]]:
        """The queued requests with a number greater than `after`, with their numbers."""
        while True:
            rows = self._read(
                "select rowid, key, body, at_most from requests where body is not null and "
                "destination = ? and rowid > ? order by rowid limit 256",
                (destination, after),
            )
            for number, key, body, at_most in rows:
                yield number, QueuedRequest(key, body, at_most)
            if not rows:
                return
            after = rows[-1][0]

    def move_to_batch(self, batch: int, destination: str, first: int, last: int) -> None:
        """Put the queued requests numbered `first` to `last` into a batch."""
        self._write(
            "update requests set batch = ?, body = null where body is not null and "
            "destination = ? and rowid between ? and ?",
            (batch, destination, first, last),
        )

    def past_attempts(self, key: bytes, batch: int) -> PastAttempts | None:
        """None if the request is not in that batch, or its result was read before."""
        rows = self._read(
            "select attempts, tokens_in, tokens_out, failures from requests "
            "where key = ? and batch = ?",
            (key, batch),
        )
        for attempts, tokens_in, tokens_out, failures in rows:
            return PastAttempts(attempts, tokens_in, tokens_out, tuple(orjson.loads(failures)))
        return None

    def remove(self, key: bytes) -> None:
        self._write("delete from requests where key = ?", (key,))

    def record_failure(
        self,
        key: bytes,
        past: PastAttempts,
        failure: str,
        *,
        reason: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Take a request out of its batch; with a `reason` it is given up."""
        if reason is None and past.attempts + 1 >= MAX_ATTEMPTS:
            reason = "call_failed"
            detail = f"{detail or failure} (the last of {MAX_ATTEMPTS} failures)"
        self._write(
            "update requests set batch = null, attempts = ?, tokens_in = ?, tokens_out = ?, "
            "failures = ?, reason = ?, detail = ? where key = ?",
            (
                past.attempts + 1,
                past.tokens_in,
                past.tokens_out,
                orjson.dumps([*past.failures, failure]).decode(),
                reason,
                detail,
                key,
            ),
        )

    def release(self, batch: int, key: bytes | None = None) -> None:
        """Take a request, or all, out of a batch without counting an attempt."""
        self._write(
            "update requests set batch = null where batch = ? and coalesce(key = ?, 1)",
            (batch, key),
        )

    def without_result(self, batch: int) -> list[bytes]:
        """Up to 1,000 requests that are still in a batch."""
        rows = self._read(
            f"select key from requests where batch = ? limit {_KEYS_PER_QUERY}",  # noqa: S608
            (batch,),
        )
        return [key for (key,) in rows]

    def retry_failed(self) -> None:
        """Reset the requests that were given up as `call_failed`."""
        self._write(
            "update requests set attempts = 0, reason = null, failures = '[]' "
            "where reason = 'call_failed'"
        )

    def _read(self, statement: str, values: Sequence = ()) -> list[tuple]:
        with self._one_line_errors():
            return self._connection.execute(statement, values).fetchall()

    def _write(self, statement: str, values: Sequence = ()) -> None:
        with self._one_line_errors():
            self._connection.execute(statement, values)

    @contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.DatabaseError as error:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise RunFailed(
                    f"{self._path}: {error}; nothing paid is lost, and the same command continues"
                ) from None

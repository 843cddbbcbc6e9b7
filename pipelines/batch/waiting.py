"""The requests of a run that have no answer yet: collected, in a batch, or given up.

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
from pipelines.llms.base import Completion

# How often a request goes into a batch before its row is lost.
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
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Collected:
    """A request to go by batch: its key in the store, its body as JSON, and what it may take of
    the budget."""

    key: bytes
    body: bytes
    at_most: float = 0.0


@dataclass(frozen=True, slots=True)
class Tries:
    """What has become of a request in earlier batches, and the tokens that were paid for."""

    attempts: int
    tokens_in: int
    tokens_out: int
    failures: tuple[str, ...]


class Waiting:
    """Any number of threads may share it, and one process: the run's lock is held.

    `destination` is an endpoint and a model, which the requests of a batch have in common. A
    request is collected while it has a body, then in the batch of that number, and gone when
    its answer is in the store.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        with self._reporting():
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute("pragma synchronous = normal")
            self._connection.execute(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def begin_pass(self) -> None:
        """Forget what was collected and not sent; no batch is under way."""
        self._write("delete from requests where attempts = 0 and reason is null")
        self._write("update requests set batch = null, body = null")

    def collect(self, destination: str, requests: Iterable[Collected]) -> None:
        with self._reporting():
            self._connection.execute("begin")
            self._connection.executemany(
                "insert into requests (key, destination, body, at_most) values (?, ?, ?, ?) "
                "on conflict (key) do update set destination = excluded.destination, "
                "body = excluded.body, at_most = excluded.at_most where batch is null",
                ((one.key, destination, one.body, one.at_most) for one in requests),
            )
            self._connection.execute("commit")

    def given_up(self, keys: Sequence[bytes]) -> dict[bytes, Completion]:
        """Those of `keys` that are not asked for again, as completions without text."""
        found: dict[bytes, Completion] = {}
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._read(
                "select key, tokens_in, tokens_out, reason, detail, attempts, failures "  # noqa: S608
                f"from requests where reason is not null and key in ({marks})",
                some,
            )
            for key, tokens_in, tokens_out, reason, detail, attempts, failures in rows:
                found[key] = Completion(
                    None,
                    tokens_in=tokens_in,
                    tokens_out=tokens_out,
                    reason=reason,
                    detail=detail,
                    attempts=attempts,
                    failures=tuple(orjson.loads(failures)),
                )
        return found

    def destinations(self) -> dict[str, int]:
        """How many requests are collected, by destination."""
        return dict(
            self._read(
                "select destination, count(*) from requests where body is not null group by 1"
            )
        )

    def collected(self, destination: str, after: int) -> Iterator[tuple[int, Collected]]:
        """The collected requests with a number greater than `after`, with their numbers."""
        while True:
            rows = self._read(
                "select rowid, key, body, at_most from requests where body is not null and "
                "destination = ? and rowid > ? order by rowid limit 256",
                (destination, after),
            )
            for number, key, body, at_most in rows:
                yield number, Collected(key, body, at_most)
            if not rows:
                return
            after = rows[-1][0]

    def enter(self, batch: int, destination: str, first: int, last: int) -> None:
        """The collected requests numbered `first` to `last` go into a batch."""
        self._write(
            "update requests set batch = ?, body = null where body is not null and "
            "destination = ? and rowid between ? and ?",
            (batch, destination, first, last),
        )

    def tries(self, key: bytes, batch: int) -> Tries | None:
        """None where the request is not in that batch, or its line was read before."""
        rows = self._read(
            "select attempts, tokens_in, tokens_out, failures from requests "
            "where key = ? and batch = ?",
            (key, batch),
        )
        for attempts, tokens_in, tokens_out, failures in rows:
            return Tries(attempts, tokens_in, tokens_out, tuple(orjson.loads(failures)))
        return None

    def answered(self, key: bytes) -> None:
        self._write("delete from requests where key = ?", (key,))

    def failed(
        self,
        key: bytes,
        tries: Tries,
        failure: str,
        *,
        reason: str | None = None,
        detail: str | None = None,
    ) -> None:
        """A request comes out of its batch with a failure; with a `reason` it is given up."""
        if reason is None and tries.attempts + 1 >= MAX_ATTEMPTS:
            reason = "call_failed"
            detail = f"{detail or failure} (the last of {MAX_ATTEMPTS} failures)"
        self._write(
            "update requests set batch = null, attempts = ?, tokens_in = ?, tokens_out = ?, "
            "failures = ?, reason = ?, detail = ? where key = ?",
            (
                tries.attempts + 1,
                tries.tokens_in,
                tries.tokens_out,
                orjson.dumps([*tries.failures, failure]).decode(),
                reason,
                detail,
                key,
            ),
        )

    def release(self, batch: int, key: bytes | None = None) -> None:
        """Take a request, or all, out of a batch that is not held against them."""
        self._write(
            "update requests set batch = null where batch = ? and coalesce(key = ?, 1)",
            (batch, key),
        )

    def without_line(self, batch: int) -> list[bytes]:
        """Up to 1,000 requests that a batch is over for, and that it did not mention."""
        rows = self._read(
            f"select key from requests where batch = ? limit {_AT_ONCE}",  # noqa: S608
            (batch,),
        )
        return [key for (key,) in rows]

    def forgive(self) -> None:
        """Ask again for what was given up as failing."""
        self._write(
            "update requests set attempts = 0, reason = null, failures = '[]' "
            "where reason = 'call_failed'"
        )

    def _read(self, statement: str, values: Sequence = ()) -> list[tuple]:
        with self._reporting():
            return self._connection.execute(statement, values).fetchall()

    def _write(self, statement: str, values: Sequence = ()) -> None:
        with self._reporting():
            self._connection.execute(statement, values)

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.DatabaseError as error:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise RunFailed(
                    f"{self._path}: {error}; no answer is lost, and the same command continues"
                ) from None

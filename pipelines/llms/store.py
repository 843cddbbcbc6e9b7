"""Every completion that was paid for, on disk before anything else happens to it.

SQLite in write-ahead mode: a completion is one insert, which survives kill -9 from then on, and
several processes may read and write at once. An append-only Arrow file writes faster (see
`bench/store.py`), but two writers need a lock, a torn tail needs mending, and finding a key
needs an index of its own; at the speed of any endpoint neither is the bottleneck.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from builders.errors import RunFailed
from pipelines.llms.base import Completion

_SCHEMA = """
create table if not exists completions (
    key blob primary key,
    model text not null,
    endpoint text not null,
    stored_at integer not null default (unixepoch()),
    completion blob not null
)
"""
# Keys looked up in one statement; SQLite takes 32,766 variables.
_AT_ONCE = 1000


@dataclass(frozen=True)
class StoreStats:
    """What a store holds; sizes in bytes, tokens as the endpoints counted them."""

    completions: int
    by_model: dict[str, int]
    bytes: int


class ResponseStore:
    """Completions by the hash of what was asked, `RequestLoop.key`.

    Any number of threads and processes may share the file.
    """

    def __init__(self, path: Path) -> None:
        """Open the store, or make a new one. RunFailed where the file is broken."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        # One connection for each thread: SQLite's own locks then order the writers.
        self._local = threading.local()
        with self._reporting():
            self._connection.execute(_SCHEMA)

    @property
    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            connection = sqlite3.connect(self.path, timeout=60, isolation_level=None)
            connection.execute("pragma journal_mode = wal")
            # An insert reaches the operating system, which outlives the process; waiting for
            # the disk as well would make each one 20 times as long.
            connection.execute("pragma synchronous = normal")
            self._local.connection = connection
        return self._local.connection

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if "full" in str(error):
                raise RunFailed(
                    f"{self.path}: no space left; nothing is lost, and the same command "
                    "continues when there is room"
                ) from None
            raise RunFailed(
                f"{self.path}: {error}; move the file away to start a new store"
            ) from None

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Completion]:
        """The completions that are there, by key."""
        found: dict[bytes, Completion] = {}
        with self._reporting():
            for start in range(0, len(keys), _AT_ONCE):
                some = keys[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                rows = self._connection.execute(
                    f"select key, completion from completions where key in ({marks})",  # noqa: S608
                    some,
                )
                found.update((key, _decode(value)) for key, value in rows)
        return found

    def put(self, key: bytes, model: str, endpoint: str, completion: Completion) -> None:
        """Store a completion; one that is there already stays, whoever wrote it."""
        with self._reporting():
            self._connection.execute(
                "insert or ignore into completions (key, model, endpoint, completion) "
                "values (?, ?, ?, ?)",
                (key, model, endpoint, orjson.dumps(asdict(completion))),
            )

    def stats(self) -> StoreStats:
        with self._reporting():
            by_model = dict(
                self._connection.execute(
                    "select model, count(*) from completions group by model order by 2 desc"
                )
            )
        size = sum(file.stat().st_size for file in self.path.parent.glob(f"{self.path.name}*"))
        return StoreStats(sum(by_model.values()), by_model, size)

    def prune(self, *, older_than_days: float | None = None, model: str | None = None) -> int:
        """Delete completions, all of them or those that match, and give the space back."""
        where, values = ["1"], []
        if older_than_days is not None:
            where.append("stored_at <= unixepoch() - ?")
            values.append(int(older_than_days * 86_400))
        if model is not None:
            where.append("model = ?")
            values.append(model)
        with self._reporting():
            deleted = self._connection.execute(
                f"delete from completions where {' and '.join(where)}",  # noqa: S608
                values,
            ).rowcount
            self._connection.execute("vacuum")
            self._connection.execute("pragma wal_checkpoint(truncate)")
        return deleted


def _decode(value: bytes) -> Completion:
    fields = orjson.loads(value)
    return Completion(**{**fields, "failures": tuple(fields["failures"])})

"""Every paid completion, on disk before anything else happens to it.

SQLite in write-ahead mode: a completion is one insert, which survives kill -9 from then on, and
several processes may read and write at once. An append-only Arrow file writes faster (see
`bench/store.py`), but two writers need a lock, a torn tail needs repair, and finding a key
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
from pipelines.llms.messages import Completion
from services.model.embedded import cache_dir

_SCHEMA = """
create table if not exists completions (
    key blob primary key,
    model text not null,
    endpoint text not null,
    stored_at integer not null default (unixepoch()),
    completion blob not null
)
"""
# SQLite takes 32,766 variables in a statement.
_KEYS_PER_QUERY = 1000


def default_store_path() -> Path:
    """The store that all runs of this user share: `responses.sqlite` in the cache folder."""
    return cache_dir() / "responses.sqlite"


@dataclass(frozen=True)
class StoreStats:
    """Counts of the stored completions; `bytes` is the size on disk."""

    completions: int
    by_model: dict[str, int]
    bytes: int


class CompletionStore:
    """Completions by the hash of their request, `RequestLoop.key`.

    Any number of threads and processes may share the file.
    """

    def __init__(self, path: Path) -> None:
        """Open the store or create it. RunFailed if the file is damaged."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        # One connection per thread: SQLite's own locks then order the writers.
        self._local = threading.local()
        with self._one_line_errors():
            self._connection.execute(_SCHEMA)

    @property
    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            connection = sqlite3.connect(self.path, timeout=60, isolation_level=None)
            connection.execute("pragma journal_mode = wal")
            # An insert reaches the operating system, which outlives the process; waiting for
            # the disk as well would take 20 times as long.
            connection.execute("pragma synchronous = normal")
            self._local.connection = connection
        return self._local.connection

    @contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if "full" in str(error):
                raise RunFailed(
                    f"{self.path}: no space left on the disk; nothing is lost, and the same "
                    "command continues once there is room"
                ) from None
            raise RunFailed(
                f"{self.path}: {error}; move the file away to start a new store"
            ) from None

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Completion]:
        """The stored completions among `keys`, by key."""
        completions: dict[bytes, Completion] = {}
        with self._one_line_errors():
            for start in range(0, len(keys), _KEYS_PER_QUERY):
                some = keys[start : start + _KEYS_PER_QUERY]
                marks = ",".join("?" * len(some))
                rows = self._connection.execute(
                    f"select key, completion from completions where key in ({marks})",  # noqa: S608
                    some,
                )
                completions.update((key, _decode(value)) for key, value in rows)
        return completions

    def put(self, key: bytes, model: str, endpoint: str, completion: Completion) -> None:
        """Store a completion, unless its key has one already."""
        with self._one_line_errors():
            self._connection.execute(
                "insert or ignore into completions (key, model, endpoint, completion) "
                "values (?, ?, ?, ?)",
                (key, model, endpoint, orjson.dumps(asdict(completion))),
            )

    def stats(self) -> StoreStats:
        with self._one_line_errors():
            by_model = dict(
                self._connection.execute(
                    "select model, count(*) from completions group by model order by 2 desc"
                )
            )
        size = sum(file.stat().st_size for file in self.path.parent.glob(f"{self.path.name}*"))
        return StoreStats(sum(by_model.values()), by_model, size)

    def prune(self, *, older_than_days: float | None = None, model: str | None = None) -> int:
        """Delete completions, all of them or those that match, and free the space on disk."""
        where, values = ["1"], []
        if older_than_days is not None:
            where.append("stored_at <= unixepoch() - ?")
            values.append(int(older_than_days * 86_400))
        if model is not None:
            where.append("model = ?")
            values.append(model)
        with self._one_line_errors():
            deleted = self._connection.execute(
                f"delete from completions where {' and '.join(where)}",  # noqa: S608
                values,
            ).rowcount
            self._connection.execute("vacuum")
            self._connection.execute("pragma wal_checkpoint(truncate)")
        return deleted


def _decode(value: bytes) -> Completion:
    # Rows from before `reasoning` lack its fields, which have defaults.
    fields = orjson.loads(value)
    sequences = {name: tuple(fields.get(name, ())) for name in ("failures", "estimated")}
    return Completion(**{**fields, **sequences})

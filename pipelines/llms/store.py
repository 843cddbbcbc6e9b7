"""Every paid completion, on disk before anything else happens to it.

SQLite in write-ahead mode: a completion is one insert, which survives kill -9 from then on, and
several processes may read and write at once. An append-only Arrow file writes faster (see
`bench/store.py`), but two writers need a lock, a torn tail needs repair, and finding a key
needs an index of its own; at the speed of any endpoint neither is the bottleneck.
"""

import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
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
    completion blob not null,
    checksum integer
)
"""
_INSERT = (
    "insert or ignore into completions (key, model, endpoint, completion, checksum) "
    "values (?, ?, ?, ?, ?)"
)
# SQLite's words for a file that is whole but cannot be used now.
_NOT_NOW = ("locked", "readonly", "unable to open", "disk I/O")
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
        """Open the store or create it, for its user alone. RunFailed if the file is damaged."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        # One connection per thread: SQLite's own locks then order the writers.
        self._local = threading.local()
        with self._one_line_errors():
            self._connection.execute(_SCHEMA)
            self._add_checksums()

    def _add_checksums(self) -> None:
        """Stores of earlier versions have none; their answers stay as they are."""
        columns = {row[1] for row in self._connection.execute("pragma table_info(completions)")}
        if "checksum" not in columns:
            # Another process may have added it since.
            with suppress(sqlite3.OperationalError):
                self._connection.execute("alter table completions add column checksum integer")

    @property
    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            connection = sqlite3.connect(self.path, timeout=60, isolation_level=None)
            # Before SQLite makes the files beside it, which get the same mode. Never by opening
            # the file: closing it again would take away the locks of this process.
            with suppress(OSError):
                self.path.chmod(0o600)
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
            if any(words in str(error) for words in _NOT_NOW):
                raise RunFailed(f"{self.path}: {error}; no answer in it is lost") from None
            raise self._damaged(str(error)) from None

    def _damaged(self, what: str) -> RunFailed:
        return RunFailed(
            f"{self.path}: {what}; `srt cache repair --store {self.path}` keeps the answers that "
            "are whole"
        )

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Completion]:
        """The stored completions among `keys`, by key."""
        completions: dict[bytes, Completion] = {}
        with self._one_line_errors():
            for start in range(0, len(keys), _KEYS_PER_QUERY):
                some = keys[start : start + _KEYS_PER_QUERY]
                marks = ",".join("?" * len(some))
                rows = self._connection.execute(
                    "select key, completion, checksum from completions "  # noqa: S608
                    f"where key in ({marks})",
                    some,
                )
                for key, value, checksum in rows:
                    if not _is_whole(key, value, checksum):
                        raise self._damaged("a stored answer is damaged")
                    completions[key] = _decode(value)
        return completions

    def put(self, key: bytes, model: str, endpoint: str, completion: Completion) -> None:
        """Store a completion, unless its key has one already."""
        value = orjson.dumps(asdict(completion))
        with self._one_line_errors():
            self._connection.execute(_INSERT, (key, model, endpoint, value, _checksum(key, value)))

    def insert(self, row: tuple[bytes, str, str, int, bytes, int | None]) -> None:
        """Store a row of another store: key, model, endpoint, time, completion, checksum."""
        with self._one_line_errors():
            self._connection.execute(
                "insert or ignore into completions "
                "(key, model, endpoint, stored_at, completion, checksum) values (?, ?, ?, ?, ?, ?)",
                row,
            )

    def close(self) -> None:
        """Close this thread's connection, and write what is in the write-ahead log to the file."""
        with self._one_line_errors():
            self._connection.execute("pragma wal_checkpoint(truncate)")
        self._connection.close()
        del self._local.connection

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


def repair(path: Path) -> tuple[int, int]:
    """Write a store anew with the answers of `path` that are whole; how many those are, and not.

    The damaged file stays beside it, as PATH.damaged. RunFailed if the store is in use, or is none.
    """
    kept = lost = 0
    aside, fresh = (path.with_name(f"{path.name}.{word}") for word in ("damaged", "repaired"))
    fresh.unlink(missing_ok=True)
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as old:
        try:
            old.execute("pragma locking_mode = exclusive")
            last = old.execute("select max(rowid) from completions").fetchone()[0] or 0
        except sqlite3.DatabaseError as error:
            raise RunFailed(f"{path}: {error}; no answer can be read, or a run uses it") from None
        new = CompletionStore(fresh)
        for rows, unread in _readable(old, 1, last):
            lost += unread
            for row in rows:
                if _is_whole(row[0], row[4], row[5]):
                    new.insert(row)
                    kept += 1
                else:
                    lost += 1
        new.close()
    if lost and not kept:
        fresh.unlink()
        raise RunFailed(f"{path}: no answer can be read; move the file away to start a new store")
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.replace(aside)
    fresh.replace(path)
    return kept, lost


def _readable(
    connection: sqlite3.Connection, first: int, last: int
) -> Iterator[tuple[list[tuple], int]]:
    """Rows with these rowids, and how many rowids could not be read, some at a time."""
    query = (
        "select key, model, endpoint, stored_at, completion, checksum from completions "
        "where rowid between ? and ?"
    )
    for start in range(first, last + 1, _KEYS_PER_QUERY):
        end = min(start + _KEYS_PER_QUERY - 1, last)
        try:
            yield connection.execute(query, (start, end)).fetchall(), 0
        except sqlite3.DatabaseError:
            for one in range(start, end + 1):
                try:
                    yield connection.execute(query, (one, one)).fetchall(), 0
                except sqlite3.DatabaseError:
                    yield [], 1


def _checksum(key: bytes, value: bytes) -> int:
    # Of the key too: a damaged index leads to another request's answer.
    return zlib.crc32(value, zlib.crc32(key))


def _is_whole(key: bytes, value: bytes, checksum: int | None) -> bool:
    if checksum is not None:
        return isinstance(value, bytes) and checksum == _checksum(key, value)
    try:
        _decode(value)
    except (orjson.JSONDecodeError, TypeError):
        return False
    return True


def _decode(value: bytes) -> Completion:
    # Rows from before `reasoning` lack its fields, which have defaults.
    fields = orjson.loads(value)
    sequences = {name: tuple(fields.get(name, ())) for name in ("failures", "estimated")}
    return Completion(**{**fields, **sequences})

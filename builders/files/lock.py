"""One process at a time: a lock that the operating system releases however its process ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from builders.errors import BadInput
from builders.files.scratch import clear_unfinished


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`; BadInput if another process holds it.

    Files that a killed holder had not finished, also those of its ledger, are removed.
    """
    with locked_file(folder / ".lock", f"{folder}: another process (pid {{}}) is working there"):
        clear_unfinished(folder, folder / "ledger")
        yield


@contextmanager
def locked_file(path: Path, busy: str, *, remove: bool = False, wait: float = 0) -> Iterator[None]:
    """Hold the lock file `path`; BadInput with the line `busy` if another process holds it, for
    `wait` seconds.

    `{}` in `busy` becomes the id of that process. `remove` deletes the file in the end: a process
    that opened it before gets no lock on it afterwards, and reports that it is held.
    """
    lock, holder = FileLock(path), path.with_name(f"{path.name}.pid")
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        raise BadInput(busy.format(_read(holder) or "unknown")) from None
    try:
        holder.write_text(str(os.getpid()))
        yield
    finally:
        # In this order: once the lock file is gone, another process can get a lock and write here.
        holder.unlink(missing_ok=True)
        if remove:
            path.unlink(missing_ok=True)
        lock.release()


def _read(path: Path) -> str:
    with suppress(FileNotFoundError):
        return path.read_text().strip()
    return ""

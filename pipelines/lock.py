"""One process at a time in a folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from builders.errors import BadInput


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold `folder`'s lock; BadInput with the holder's process id where somebody else does.

    The lock is the operating system's: it goes with its process, however that ends.
    """
    lock = FileLock(folder / ".lock")
    holder = folder / ".lock.pid"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        pid = holder.read_text().strip() if holder.exists() else "unknown"
        raise BadInput(f"{folder}: another process (pid {pid}) is at work there") from None
    try:
        holder.write_text(str(os.getpid()))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()

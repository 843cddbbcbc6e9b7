"""Work on many items in a pool, some ahead of the one whose result is used."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

# More take more memory than they save time.
_MOST_THREADS = 8


def ahead(pool: Executor, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """`work` of each item, in the order of the items.

    Results wait while an earlier one is made: for each worker, one that it works on and one more.
    """
    pending: deque[Future[R]] = deque()
    most = 2 * workers_of(pool)
    try:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) >= most:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def workers_of(pool: Executor) -> int:
    """How many items a pool works on at once."""
    return getattr(pool, "_max_workers", None) or cores()


def cores() -> int:
    return os.cpu_count() or 1


@contextmanager
def pool_or_threads(pool: Executor | None) -> Iterator[Executor]:
    """`pool`, or a thread for each core, which pays where the work releases Python's lock."""
    if pool is not None:
        yield pool
        return
    with ThreadPoolExecutor(min(cores(), _MOST_THREADS), "parts") as threads:
        yield threads

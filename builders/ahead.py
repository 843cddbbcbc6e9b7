"""An iterator that works in a thread of its own, while what it gave before is used."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
_END = object()


def ahead(items: Iterable[T], count: int = 1) -> Iterator[T]:
    """The same items in the same order; up to `count` of them are made before they are asked for.

    It pays where making them leaves Python's lock alone, as reading and converting columns does.
    """
    source = iter(items)
    with ThreadPoolExecutor(1, "ahead") as pool:
        making = deque(pool.submit(next, source, _END) for _ in range(count))
        while (item := making.popleft().result()) is not _END:
            making.append(pool.submit(next, source, _END))
            yield item

"""Groups of near-duplicates among millions of instructions.

The similarity is that of `builders.duplicates.minhash`. Instructions with a computable answer
resemble each other by design. They are compared by the problem (`task`) instead, as in
`builders.duplicates.seen`.
"""

import mmap
import tempfile
from array import array
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import xxhash
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from builders.duplicates.minhash import PERMUTATIONS, SIMILARITY, sketches

# Two sketches are compared if a band of four consecutive numbers is equal. That finds
# 1 - (1 - 0.7⁴)³² = 99.98 % of the pairs with the least similarity that counts.
_BANDS = PERMUTATIONS // 4
_LEAST_EQUAL = int(np.ceil(SIMILARITY * PERMUTATIONS))
# Hundreds of thousands of instructions made from one template can share a band. They are sorted by
# the next band, and each is compared with so many that follow it: others in each of the 32 bands.
_WINDOW = 32
_SKETCHED_AT_ONCE = 256
_THREADS = 2
_COMPARED_AT_ONCE = 1 << 15
_READ_AT_ONCE = 1 << 16

Id = TypeVar("Id", bound=Hashable)


class NearDuplicates(Generic[Id]):
    """Collects instructions, then groups those that are near-duplicates of each other.

    It takes 256 bytes per instruction in a temporary file in `folder`, and some 100 in memory.

    >>> near = NearDuplicates()
    >>> near.add("a", "Explain in two paragraphs why the sky is blue at noon.", None)
    >>> near.add("b", "What is 2 + 3?", "2+3")
    >>> near.add("c", "Add 2 and 3.", "2+3")
    >>> near.add("d", "What is 2 + 4?", "2+4")
    >>> near.add("e", "Explain in two paragraphs why the sky is blue at dusk.", None)
    >>> list(near.groups())
    [['a', 'e'], ['b', 'c']]
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._ids: list[Id] = []
        self._texts: list[str] = []
        # The index of the instruction of each sketch, and pairs of indices with the same task.
        self._sketched = array("q")
        self._same_task: list[tuple[int, int]] = []
        self._tasks: dict[bytes, int] = {}
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        # Most of the work is numpy's, during which the caller can go on reading.
        self._pool = ThreadPoolExecutor(_THREADS, "sketches")
        self._pending: deque[Future[bytes]] = deque()

    def add(self, id: Id, instruction: str, task: str | None) -> None:  # noqa: A002
        index = len(self._ids)
        self._ids.append(id)
        if task is not None:
            key = xxhash.xxh3_128_digest(task.encode(errors="replace"))
            if (first := self._tasks.setdefault(key, index)) != index:
                self._same_task.append((first, index))
            return
        self._sketched.append(index)
        self._texts.append(instruction)
        if len(self._texts) == _SKETCHED_AT_ONCE:
            self._submit()
            self._write(max_pending=_THREADS)

    def groups(self) -> Iterator[list[Id]]:
        """Ids of instructions connected by similarity, two or more, in the order of adding."""
        self._submit()
        self._write(max_pending=0)
        labels = _components(len(self._ids), self._same_task)
        if self._sketched:
            labels = self._joined_by_similarity(labels)
        # Labels [0, 1, 1, 2, 0] give the order [0, 4, 1, 2, 3], with groups that start at 0, 2
        # and 4. The groups at 0 and 2 have two members each.
        order = np.argsort(labels, kind="stable")
        bounds = np.flatnonzero(np.diff(labels[order], prepend=-1, append=-1))
        starts, sizes = bounds[:-1], np.diff(bounds)
        several = sizes > 1
        # Labels are arbitrary: the first member of a group says when the group appeared.
        groups = sorted(zip(order[starts[several]], starts[several], sizes[several], strict=True))
        for _, start, size in groups:
            ids = list(dict.fromkeys(self._ids[index] for index in order[start : start + size]))
            if len(ids) > 1:
                yield ids

    def _submit(self) -> None:
        """Start to sketch the collected texts."""
        if self._texts:
            self._pending.append(self._pool.submit(_sketch_bytes, self._texts))
            self._texts = []

    def _write(self, max_pending: int) -> None:
        """Write finished sketches in order, and wait until at most `max_pending` batches remain.

        Raises the error of a batch that failed.
        """
        while len(self._pending) > max_pending:
            self._file.write(self._pending.popleft().result())

    def _joined_by_similarity(self, labels: np.ndarray) -> np.ndarray:
        """The component of each instruction, where `labels` has those that tasks connect."""
        self._file.flush()
        memory = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        rows = np.frombuffer(memory, np.uint16).reshape(-1, PERMUTATIONS)
        indices = np.array(self._sketched)
        for band in range(_BANDS):
            keys = _keys(memory, rows, band)
            pairs = [indices[pair] for pair in _similar(rows, keys, band, labels[indices])]
            _forget(memory)
            if sum(map(len, pairs)):
                # The components so far, as pairs of each instruction with the first in its own.
                firsts = np.unique(labels, return_index=True)[1][labels]
                later = np.flatnonzero(firsts != np.arange(len(labels)))
                known = np.stack([later, firsts[later]], axis=1)
                labels = _components(len(labels), np.concatenate([known, *pairs]))
        return labels


def _sketch_bytes(texts: Sequence[str]) -> bytes:
    # The lower halves are enough: only 2⁻¹⁶ of the numbers that differ have equal ones.
    return sketches(texts).astype(np.uint16).tobytes()


def _keys(memory: mmap.mmap, rows: np.ndarray, band: int) -> np.ndarray:
    """The band of each row as one number."""
    keys = np.empty(len(rows), np.uint64)
    for start in range(0, len(rows), _READ_AT_ONCE):
        part = slice(start, start + _READ_AT_ONCE)
        keys[part] = rows[part].view(np.uint64)[:, band]
        _forget(memory)
    return keys


def _forget(memory: mmap.mmap) -> None:
    """Let go of what was read of a file, which counts as this process's memory otherwise."""
    if hasattr(mmap, "MADV_DONTNEED"):
        memory.madvise(mmap.MADV_DONTNEED)


def _similar(
    rows: np.ndarray, keys: np.ndarray, band: int, labels: np.ndarray
) -> Iterator[np.ndarray]:
    """Pairs of similar rows, (n, 2), that share the band and are in different components.

    `rows` has the sketches, `keys` the band of each as one number.

    If the bands of rows 0 to 5 are 7, 3, 7, 9, 3, 7, row 3 drops out and the others are sorted to
    1, 4, 0, 2, 5. Distance 1 compares (1, 4), (0, 2) and (2, 5), and skips (4, 0), whose bands
    differ. Distance 2 compares (0, 5). At distance 3 no bands are equal, and the search ends.
    """
    order = np.argsort(keys)
    equals_next = keys[order[1:]] == keys[order[:-1]]
    order = order[np.append(equals_next, False) | np.insert(equals_next, 0, False)]
    if not len(order):
        return
    next_keys = rows.view(np.uint64)[order, (band + 1) % _BANDS]
    order = order[np.lexsort((next_keys, keys[order]))]
    for distance in range(1, _WINDOW + 1):
        left, right = order[:-distance], order[distance:]
        compared = keys[left] == keys[right]
        if not compared.any():
            return
        compared &= labels[left] != labels[right]
        left, right = left[compared], right[compared]
        for start in range(0, len(left), _COMPARED_AT_ONCE):
            part = slice(start, start + _COMPARED_AT_ONCE)
            equal = (rows[left[part]] == rows[right[part]]).sum(axis=1)
            similar = equal >= _LEAST_EQUAL
            yield np.stack([left[part][similar], right[part][similar]], axis=1)


def _components(count: int, pairs: np.ndarray | Iterable[tuple[int, int]]) -> np.ndarray:
    """The component of each of `count` indices, as a number, if `pairs` connects them."""
    edges = np.array(pairs, np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges), bool), edges.T), shape=(count, count))
    return connected_components(graph, directed=False)[1]

"""Groups of near-duplicates among millions of instructions.

The similarity is that of `builders.duplicates.minhash`. Instructions with a computable answer
resemble each other by design. They are compared by the problem (`task`) instead, as in
`builders.duplicates.seen`.
"""

import mmap
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from builders.duplicates.minhash import PERMUTATIONS, SIMILARITY, normalized_sketches

# Two sketches are compared if a band of four consecutive numbers is equal. That finds
# 1 - (1 - 0.7⁴)³² = 99.98 % of the pairs with the least similarity that counts.
_BANDS = PERMUTATIONS // 4
_LEAST_EQUAL = int(np.ceil(SIMILARITY * PERMUTATIONS))
# Hundreds of thousands of instructions made from one template can share a band. They are sorted by
# the next band, and each is compared with so many that follow it: others in each of the 32 bands.
_WINDOW = 32
_COMPARED_AT_ONCE = 1 << 15
_READ_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Sketched:
    """What is compared of `count` instructions, in some 300 bytes each.

    `sketches` (uint16 [n, 128]) are of those numbered `places`, ascending; `tasks` has a digest of
    the problem of each of the others.
    """

    count: int
    places: np.ndarray
    sketches: np.ndarray
    tasks: Sequence[bytes]


def sketched(normalized: Sequence[str], tasks: Sequence[str | None]) -> Sketched:
    """What is compared of instructions, which `normalize` has returned, with their tasks or None.

    Most of the work is numpy's, which releases Python's lock.
    """
    places = [number for number, task in enumerate(tasks) if task is None]
    return Sketched(
        len(normalized),
        np.array(places, np.int64),
        # The lower halves are enough: only 2⁻¹⁶ of the numbers that differ have equal ones.
        normalized_sketches([normalized[number] for number in places]).astype(np.uint16),
        [
            xxhash.xxh3_128_digest(task.encode(errors="replace"))
            for task in tasks
            if task is not None
        ],
    )


class NearDuplicates:
    """Collects instructions, then groups those that are near-duplicates of each other.

    It takes 256 bytes per instruction in a temporary file in `folder`, and some 50 in memory.
    Instructions are numbered in the order of adding.

    >>> near = NearDuplicates()
    >>> blue = "explain in two paragraphs why the sky is blue at"
    >>> near.add(sketched([f"{blue} noon", "what is 2 + 3"], [None, "2+3"]))
    >>> near.add(sketched(["add 2 and 3", "what is 2 + 4"], ["2+3", "2+4"]))
    >>> near.add(sketched([f"{blue} dusk"], [None]))
    >>> [group.tolist() for group in near.groups()]
    [[0, 4], [1, 2]]
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._count = 0
        # The number of the instruction of each sketch, and pairs of numbers with the same task.
        self._sketched = array("q")
        self._same_task: list[tuple[int, int]] = []
        self._tasks: dict[bytes, int] = {}
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115

    def add(self, more: Sketched) -> None:
        self._file.write(more.sketches.data)
        self._sketched.frombytes((more.places + self._count).tobytes())
        with_task = np.setdiff1d(np.arange(more.count), more.places) + self._count
        for number, task in zip(with_task.tolist(), more.tasks, strict=True):
            if (first := self._tasks.setdefault(task, number)) != number:
                self._same_task.append((first, number))
        self._count += more.count

    def groups(self) -> Iterator[np.ndarray]:
        """Numbers of instructions connected by similarity, two or more, ascending."""
        labels = _components(self._count, self._same_task)
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
            yield order[start : start + size]

    def _joined_by_similarity(self, labels: np.ndarray) -> np.ndarray:
        """The component of each instruction, where `labels` has those that tasks connect."""
        self._file.flush()
        memory = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        rows = np.frombuffer(memory, np.uint16).reshape(-1, PERMUTATIONS)
        indices = np.frombuffer(self._sketched, np.int64)
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


def distinct_ids(groups: Iterable[np.ndarray], ids: pa.Array) -> Iterator[list[Any]]:
    """The different `ids` of each group, in order, where they are two or more.

    >>> list(distinct_ids([np.array([0, 2]), np.array([1, 3])], pa.array(["a", "b", "a", "c"])))
    [['b', 'c']]
    """
    for numbers in groups:
        distinct = list(dict.fromkeys(ids.take(pa.array(numbers)).to_pylist()))
        if len(distinct) > 1:
            yield distinct


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

"""Which of very many instructions are near-duplicates of each other.

The likeness is that of `builders.sketch`. Instructions with a computable answer are alike by
design, and are compared by the problem (`task`) itself instead, as in `builders.overlap`.
"""

import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import xxhash
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from builders.sketch import PERMUTATIONS, SIMILARITY, sketches

# Four numbers in a row have to be equal before two sketches are compared: of pairs with the
# least likeness that counts, 1 - (1 - 0.7⁴)³² = 99.98 % are.
_BANDS = PERMUTATIONS // 4
_AGREEING = int(np.ceil(SIMILARITY * PERMUTATIONS))
# Instructions made from one template can agree in a band by the hundred thousand. Sorted by the
# next band, each is compared with so many after it; in each of the 32 bands with others.
_WINDOW = 32
_SKETCHED_AT_ONCE = 256
_THREADS = 2
_COMPARED_AT_ONCE = 1 << 15


class NearDuplicates:
    """`add` every instruction, then ask for `groups`.

    256 bytes an instruction lie in a temporary file in `folder`, and some 200 in memory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._ids: list[str] = []
        self._texts: list[str] = []
        # Which instruction each sketch is of, and pairs that the problem says are the same.
        self._sketched: list[int] = []
        self._same: list[tuple[int, int]] = []
        self._tasks: dict[bytes, int] = {}
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        # Most of the work is numpy's, which lets the caller go on reading.
        self._pool = ThreadPoolExecutor(_THREADS, "sketches")
        self._sketching: deque[Future[bytes]] = deque()

    def add(self, id: str, instruction: str, task: str | None) -> None:  # noqa: A002
        place = len(self._ids)
        self._ids.append(id)
        if task is not None:
            key = xxhash.xxh3_128_digest(task.encode(errors="replace"))
            if (first := self._tasks.setdefault(key, place)) != place:
                self._same.append((first, place))
            return
        self._sketched.append(place)
        self._texts.append(instruction)
        if len(self._texts) == _SKETCHED_AT_ONCE:
            self._sketch()
            self._write(left=_THREADS)

    def groups(self) -> Iterator[list[str]]:
        """Ids that hang together by likeness, two or more; in the order of adding."""
        self._sketch()
        self._write(left=0)
        labels = _components(len(self._ids), self._same)
        if self._sketched:
            labels = self._joined(labels)
        order = np.argsort(labels, kind="stable")
        bounds = np.flatnonzero(np.diff(labels[order], prepend=-1, append=-1))
        starts, sizes = bounds[:-1], np.diff(bounds)
        several = sizes > 1
        # A component's label says nothing of when it came.
        found = sorted(zip(order[starts[several]], starts[several], sizes[several], strict=True))
        for _, start, size in found:
            ids = list(dict.fromkeys(self._ids[at] for at in order[start : start + size]))
            if len(ids) > 1:
                yield ids

    def _sketch(self) -> None:
        """Begin with the texts that wait."""
        if self._texts:
            self._sketching.append(self._pool.submit(_sketched, self._texts))
            self._texts = []

    def _write(self, left: int) -> None:
        """Store sketches in the order of their texts, until so many are under way; raises what
        went wrong with them."""
        while len(self._sketching) > left:
            self._file.write(self._sketching.popleft().result())

    def _joined(self, labels: np.ndarray) -> np.ndarray:
        self._file.flush()
        rows = np.memmap(self._file, np.uint16, "r", shape=(len(self._sketched), PERMUTATIONS))
        bands = rows.view(np.uint64)
        places = np.array(self._sketched)
        for band in range(_BANDS):
            pairs = [places[pair] for pair in _alike(rows, bands, band, labels[places])]
            if pairs:
                # Everything known so far: each place with the first of its component.
                firsts = np.unique(labels, return_index=True)[1]
                known = np.stack([np.arange(len(labels)), firsts[labels]], axis=1)
                labels = _components(len(labels), np.concatenate([known, *pairs]))
        return labels


def _sketched(texts: Sequence[str]) -> bytes:
    # The low halves: 2⁻¹⁶ of the numbers that differ look equal.
    return sketches(texts).astype(np.uint16).tobytes()


def _alike(
    rows: np.ndarray, bands: np.ndarray, band: int, labels: np.ndarray
) -> Iterator[np.ndarray]:
    """Pairs of rows, (n, 2), that agree in the band, are alike and were not known to be."""
    keys = np.ascontiguousarray(bands[:, band])
    order = np.argsort(keys)
    equal = keys[order[1:]] == keys[order[:-1]]
    order = order[np.append(equal, False) | np.insert(equal, 0, False)]
    if not len(order):
        return
    order = order[np.lexsort((bands[order, (band + 1) % _BANDS], keys[order]))]
    for distance in range(1, _WINDOW + 1):
        one, other = order[:-distance], order[distance:]
        agree = keys[one] == keys[other]
        if not agree.any():
            return
        agree &= labels[one] != labels[other]
        one, other = one[agree], other[agree]
        for start in range(0, len(one), _COMPARED_AT_ONCE):
            part = slice(start, start + _COMPARED_AT_ONCE)
            alike = (rows[one[part]] == rows[other[part]]).sum(axis=1) >= _AGREEING
            yield np.stack([one[part][alike], other[part][alike]], axis=1)


def _components(count: int, pairs: np.ndarray | Iterable[tuple[int, int]]) -> np.ndarray:
    """The number of the component of each of `count` places that `pairs` connect."""
    edges = np.array(pairs, np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges), bool), edges.T), shape=(count, count))
    return connected_components(graph, directed=False)[1]

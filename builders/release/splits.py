"""Which split an instruction belongs to: decided by the instruction and those that are like it.

A hash says on which side an instruction belongs. It is `test` only if no near-duplicate of it is
for training: otherwise it is for training too. So a row keeps its split in every later version,
whatever is added before or after it, or goes from test to train; never from train to test.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from builders.dedup import normalise

SPLITS = ("train", "test")
TEST_SHARE = 0.05


def split_hash(instruction: str) -> int:
    """The first 8 bytes of the SHA-256 of the normalised instruction, as a number."""
    digest = hashlib.sha256(normalise(instruction).encode(errors="replace")).digest()
    return int.from_bytes(digest[:8], "big")


def split_of_hash(value: int, test_share: float) -> str:
    return "test" if value < int(test_share * 2**64) else "train"


@dataclass(frozen=True)
class Splits:
    """The split of every instruction of a release; the two sets are of hashes.

    `near` are for training, whatever their hash says: a near-duplicate is, or they were in the
    parent release. `moved` overrides all that for what a small release moves.
    """

    test_share: float = TEST_SHARE
    near: frozenset[int] = frozenset()
    moved: Mapping[int, str] = field(default_factory=dict)

    def of(self, instruction: str) -> str:
        return self.of_hash(split_hash(instruction))

    def of_hash(self, value: int) -> str:
        if value in self.moved:
            return self.moved[value]
        return "train" if value in self.near else split_of_hash(value, self.test_share)


def plan_splits(
    kept: Iterable[int],
    test_share: float = TEST_SHARE,
    groups: Iterable[Sequence[int]] = (),
    trained: Iterable[int] = (),
) -> Splits:
    """The splits of a release whose kept rows ask instructions of these hashes.

    `groups` are hashes of instructions that are near-duplicates of each other, and `trained`
    those that the parent release has in train. Two or more instructions that are unlike fill
    both splits, unless `test_share` is 0: where chance put all of them on one side, the group
    nearest to the other side moves there. One alone is for training.
    """
    hashes, parents = _unique(kept), _unique(trained)
    groups, limit = [list(group) for group in groups], int(test_share * 2**64)
    near = {value for value in parents.tolist() if value < limit}
    for group in groups:
        if any(value >= limit or value in near for value in group):
            near.update(value for value in group if value < limit)
    in_test = np.array([value < limit and value not in near for value in hashes.tolist()])
    if not len(hashes) or test_share == 0:
        moved = {}
    elif in_test.all():
        unit = max(_units(hashes, groups, max), key=lambda unit: (len(unit), max(unit)))
        moved = dict.fromkeys(unit, "train")
    elif not in_test.any():
        fixed = set(parents.tolist())
        free = [
            unit
            for unit in _units(np.setdiff1d(hashes, parents), groups, min)
            if not fixed.intersection(unit) and not np.isin(hashes, _unique(unit)).all()
        ]
        unit = min(free, key=lambda unit: (len(unit), min(unit)), default=[])
        moved = dict.fromkeys(unit, "test")
    else:
        moved = {}
    return Splits(test_share, frozenset(near), moved)


def _units(
    hashes: np.ndarray, groups: list[list[int]], best: Callable[[list[int]], int]
) -> list[list[int]]:
    """What can only move as a whole: each group, and of the instructions like no other the best."""
    grouped = _unique(value for group in groups for value in group)
    alone = np.setdiff1d(hashes, grouped).tolist()
    return [*groups, *([[best(alone)]] if alone else [])]


def _unique(hashes: Iterable[int]) -> np.ndarray:
    return np.unique(np.fromiter(hashes, np.uint64))

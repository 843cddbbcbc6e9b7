"""Which split an instruction belongs to: decided by its hash and its near-duplicates.

The hash decides a side. An instruction is in `test` only if no near-duplicate of it is in `train`,
by hash or by the previous release; otherwise it moves to `train`. So whatever rows a later version
adds or removes, a row stays in its split or moves from test to train, never from train to test.

With a test share of 1/2, hashes below 2**63 are on the test side:

    >>> low, high = [10, 20, 30], [2**63 + 1, 2**63 + 2]
    >>> splits = plan_splits([*low, *high], 0.5, groups=[(20, high[0])])
    >>> [splits.of_hash(value) for value in [*low, *high]]
    ['test', 'train', 'test', 'train', 'train']

The near-duplicate 20 follows its group into train. If all are on one side, one unit moves:

    >>> plan_splits(high, 0.5).moved
    {9223372036854775809: 'test'}
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from builders.duplicates.exact import instruction_hash

SPLITS = ("train", "test")
TEST_SHARE = 0.05


@dataclass(frozen=True)
class Splits:
    """The split of every instruction of a release, by `instruction_hash`.

    Hashes in `near` are in train whatever their value: a near-duplicate is, or they were in the
    previous release. `moved` overrides both, for what a small release moves. Hashes in `reserved`
    are in test before all of this: audits need them.
    """

    test_share: float = TEST_SHARE
    near: frozenset[int] = frozenset()
    moved: Mapping[int, str] = field(default_factory=dict)
    reserved: frozenset[int] = frozenset()

    def of(self, instruction: str) -> str:
        return self.of_hash(instruction_hash(instruction))

    def of_hash(self, value: int) -> str:
        if value in self.reserved:
            return "test"
        if value in self.moved:
            return self.moved[value]
        is_test = value < limit_of(self.test_share) and value not in self.near
        return "test" if is_test else "train"

    def are_test(self, hashes: np.ndarray) -> np.ndarray:
        """Whether each of many hashes (uint64 [n]) is in test."""
        is_test = np.zeros(len(hashes), bool)
        if self.test_share:
            below = hashes < np.uint64(limit_of(self.test_share))
            is_test = below & ~np.isin(hashes, _unique(self.near))
        for value, split in self.moved.items():
            is_test[hashes == np.uint64(value)] = split == "test"
        return is_test | np.isin(hashes, _unique(self.reserved))


def limit_of(test_share: float) -> int:
    """The hashes below this are on the test side."""
    return int(test_share * 2**64)


def plan_splits(
    kept: Iterable[int],
    test_share: float = TEST_SHARE,
    groups: Iterable[Sequence[int]] = (),
    trained: Iterable[int] = (),
    reserved: Iterable[int] = (),
) -> Splits:
    """The splits of a release, given the hashes of its kept rows' instructions.

    `groups` are hashes of instructions that are near-duplicates of each other; `trained` are those
    that the previous release has in train. Two or more unlike instructions fill both splits, unless
    `test_share` is 0: if all are on one side, the group nearest to the other side moves there. One
    instruction alone is in train. `reserved` ones are in test, whatever else is true of them.
    """
    reserved = frozenset(reserved)
    hashes = np.setdiff1d(_unique(kept), _unique(reserved))
    trained = set(_unique(trained).tolist())
    groups, limit = [list(group) for group in groups], limit_of(test_share)
    near = {value for value in trained if value < limit}
    for group in groups:
        if any(value >= limit or value in near for value in group):
            near.update(value for value in group if value < limit)
    in_test = [value < limit and value not in near for value in hashes.tolist()]
    moved: dict[int, str] = {}
    if in_test and test_share > 0:
        if all(in_test):
            moved = _nearest_to_train(hashes, groups)
        elif not any(in_test) and not reserved:
            moved = _nearest_to_test(hashes, groups, trained)
    return Splits(test_share, frozenset(near), moved, reserved)


def _nearest_to_train(hashes: np.ndarray, groups: list[list[int]]) -> dict[int, str]:
    units = _units(hashes, groups, max)
    return dict.fromkeys(max(units, key=lambda unit: (len(unit), max(unit))), "train")


def _nearest_to_test(
    hashes: np.ndarray, groups: list[list[int]], trained: set[int]
) -> dict[int, str]:
    """Nothing, if no unit can move without emptying train or taking what was trained on."""
    units = [
        unit
        for unit in _units(np.setdiff1d(hashes, _unique(trained)), groups, min)
        if not trained.intersection(unit) and not np.isin(hashes, _unique(unit)).all()
    ]
    unit = min(units, key=lambda unit: (len(unit), min(unit)), default=[])
    return dict.fromkeys(unit, "test")


def _units(
    hashes: np.ndarray, groups: list[list[int]], best: Callable[[list[int]], int]
) -> list[list[int]]:
    """What can only move as a whole: each group, and the best of the ungrouped instructions."""
    grouped = _unique(value for group in groups for value in group)
    alone = np.setdiff1d(hashes, grouped).tolist()
    return [*groups, *([[best(alone)]] if alone else [])]


def _unique(hashes: Iterable[int]) -> np.ndarray:
    return np.unique(np.fromiter(hashes, np.uint64))

"""Which split an instruction belongs to: decided by the instruction alone.

A row therefore keeps its split in every later version, whatever is added before or after it,
and two rows that ask the same thing never fall on both sides.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from builders.dedup import normalise

SPLITS = ("train", "test")
TEST_SHARE = 0.05


def split_hash(instruction: str) -> int:
    """The first 8 bytes of the SHA-256 of the normalised instruction, as a number."""
    digest = hashlib.sha256(normalise(instruction).encode(errors="replace")).digest()
    return int.from_bytes(digest[:8], "big")


def split_of_hash(value: int, test_share: float) -> str:
    return "test" if value < test_share * 2**64 else "train"


@dataclass(frozen=True)
class Splits:
    """The split of every instruction of a release.

    `moved` overrides the rule, by hash, for the one instruction that a small release moves.
    """

    test_share: float = TEST_SHARE
    moved: Mapping[int, str] = field(default_factory=dict)

    def of(self, instruction: str) -> str:
        value = split_hash(instruction)
        return self.moved.get(value) or split_of_hash(value, self.test_share)


def plan_splits(instructions: Iterable[str], test_share: float = TEST_SHARE) -> Splits:
    """The splits of a release whose kept rows ask `instructions`; one pass, nothing held.

    Two or more instructions fill both splits, unless `test_share` is 0: where chance put all of
    them on one side, the one nearest to the other side moves there. One alone is for training.
    """
    lowest, highest = None, None
    for instruction in instructions:
        value = split_hash(instruction)
        lowest = value if lowest is None else min(lowest, value)
        highest = value if highest is None else max(highest, value)
    if lowest is None or highest is None or test_share == 0:
        return Splits(test_share)
    if split_of_hash(highest, test_share) == "test":
        return Splits(test_share, {highest: "train"})
    if split_of_hash(lowest, test_share) == "train" and lowest != highest:
        return Splits(test_share, {lowest: "test"})
    return Splits(test_share)

"""Preference pairs: a model's refinement, chosen over the draft that it refined.

arXiv 2406.07168, section 3.2. Refining makes answers longer, and DPO learns length where length
predicts what is preferred; `LengthMatch` chooses pairs among which it does not.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from builders.prompts import chat

_BANDS = 8


def to_preference(row: Mapping[str, Any]) -> dict[str, Any]:
    """The preference row of one kept ledger row whose refinement is not the draft."""
    calls = {call["step"]: call for call in row["calls"]}
    return {
        "id": row["id"],
        "prompt": chat(row["instruction"], row["system"]),
        "chosen": [{"role": "assistant", "content": row["refinement"]}],
        "rejected": [{"role": "assistant", "content": row["draft"]}],
        "chosen_score": row["refinement_score"],
        "rejected_score": row["draft_score"],
        "margin": row["refinement_score"] - row["draft_score"],
        "task": row["task"],
        "source": row["source"],
        "licence": row["licence"],
        "model": calls.get("draft", {}).get("model"),
        "critic_model": calls.get("critique", {}).get("model"),
    }


class LengthMatch:
    """Which pairs to keep so that "the longer one is preferred" is right half of the time.

    Pairs are put into bands by |log2(length of chosen / length of rejected)|, in characters, of
    width 1/4 up to a factor of four, the last band open. Of each band as many are kept in which
    the chosen answer is the longer as in which it is the shorter: the smaller side whole, of the
    larger one those whose id has the smallest hash. Pairs of equal length are all kept. Neither
    which answer is longer nor by how much then tells which one is preferred.

    `add` every pair first, then ask `keeps`. What is held is a hash for each pair.
    """

    def __init__(self) -> None:
        self._sides: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        self._limits: dict[tuple[int, bool], int] | None = None

    def add(self, row: Mapping[str, Any]) -> None:
        """Count the pair of a kept ledger row."""
        ratio = _ratio(row)
        if ratio:
            self._sides[_band(ratio)][ratio > 0].append(_hash(row["id"]))

    def keeps(self, row: Mapping[str, Any]) -> bool:
        """Whether the pair of a kept ledger row stays."""
        ratio = _ratio(row)
        if not ratio:
            return True
        if self._limits is None:
            self._limits = dict(self._matched())
        return _hash(row["id"]) < self._limits[_band(ratio), ratio > 0]

    def _matched(self):
        for band, sides in self._sides.items():
            kept = min(map(len, sides))
            for longer, hashes in enumerate(sides):
                hashes.sort()
                bound = hashes[kept] if kept < len(hashes) else 2**64
                yield (band, bool(longer)), bound


def _ratio(row: Mapping[str, Any]) -> float:
    return math.log2(len(row["refinement"]) / len(row["draft"]))


def _band(ratio: float) -> int:
    return min(int(abs(ratio) * 4), _BANDS)


def _hash(id_: str) -> int:
    return int.from_bytes(hashlib.sha256(id_.encode()).digest()[:8], "big")

"""Preference pairs: a model's refinement is preferred to its draft (arXiv 2406.07168, 3.2).

Refining makes answers longer, and DPO learns length if length predicts what is preferred.
`LengthMatch` selects pairs in which it does not.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from builders.critique.prompts import chat

_BANDS = 8


def to_preference(row: Mapping[str, Any]) -> dict[str, Any]:
    """The preference row of one kept ledger row whose refinement differs from the draft."""
    calls = {call["step"]: call for call in row["calls"]}
    return {
        "id": row["id"],
        "prompt": chat(row["instruction"], row["system"], row["history"]),
        "chosen": [{"role": "assistant", "content": row["refinement"]}],
        "rejected": [{"role": "assistant", "content": row["draft"]}],
        "chosen_score": row["refinement_score"],
        "rejected_score": row["draft_score"],
        "margin": row["refinement_score"] - row["draft_score"],
        "task": row["task"],
        "source": row["source"],
        "license": row["license"],
        "draft_model": calls.get("draft", {}).get("model"),
        "critic_model": calls.get("critique", {}).get("model"),
    }


class LengthMatch:
    """Selects pairs so that "the longer one is preferred" is right half of the time.

    Pairs are put into bands by |log2(length of chosen / length of rejected)|, in characters: bands
    of width 1/4 up to a factor of four, and one for everything above. In each band, as many pairs
    are kept whose chosen answer is the longer one as pairs whose chosen answer is the shorter one:
    all of the smaller side, and from the larger side those whose ids have the smallest hashes.
    Pairs of equal length are all kept. Then neither which answer is longer nor by how much
    predicts which one is preferred.

    Add all pairs before the first call of `keeps`. Memory holds a hash of each pair.
    """

    def __init__(self) -> None:
        self._sides: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        self._bounds_by_side: dict[tuple[int, bool], int] | None = None

    def add_all(self, ids: Sequence[str], lengths: np.ndarray) -> None:
        """Count pairs of kept ledger rows; `lengths` ([rows, 2]) are of draft and refinement."""
        for row_id, (draft, refinement) in zip(ids, lengths.tolist(), strict=True):
            if ratio := math.log2(refinement / draft):
                self._sides[_band(ratio)][ratio > 0].append(_hash(row_id))

    def keeps(self, row: Mapping[str, Any]) -> bool:
        """Whether the pair of a kept ledger row is kept."""
        ratio = _ratio(row)
        if not ratio:
            return True
        if self._bounds_by_side is None:
            self._bounds_by_side = dict(self._bounds())
        return _hash(row["id"]) < self._bounds_by_side[_band(ratio), ratio > 0]

    def _bounds(self) -> Iterator[tuple[tuple[int, bool], int]]:
        """For each band and side, the hash below which pairs are kept."""
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

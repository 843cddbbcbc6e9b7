"""How alike two instructions are: estimated from sketches of a fixed size (MinHash).

The likeness of two texts is the Jaccard similarity of their sets of three-word sequences. Each
of the 128 numbers of a sketch is the least that one random function gives to any sequence of the
text, so two sketches agree in a place with a probability that is the likeness (Broder 1997).
"""

from collections.abc import Sequence

import numpy as np
import xxhash

from builders.dedup import normalise

# From which likeness on two instructions count as one; estimated to 0.04 (1 / √128, halved).
SIMILARITY = 0.7
PERMUTATIONS = 128
_WORDS = 3
# Sequences at a time: 512 kB of products stay in a core's cache (4 MB took 1.7 times as long).
_BLOCK = 512

_random = np.random.Generator(np.random.PCG64(1))
# x → (a·x + b) mod 2⁶⁴ of a 32-bit x, of which the upper half is used (Dietzfelbinger 1996).
_FACTORS = _random.integers(2**64, size=PERMUTATIONS, dtype=np.uint64) | np.uint64(1)
_SUMMANDS = _random.integers(2**64, size=PERMUTATIONS, dtype=np.uint64)
_MIXERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)


def sketches(texts: Sequence[str]) -> np.ndarray:
    """The sketch of each text: a row of 128 numbers (uint32), the same on every machine."""
    hashes: list[int] = []
    lengths = np.empty(len(texts), np.int64)
    for place, text in enumerate(texts):
        words = normalise(text).encode(errors="replace").split()
        hashed = list(map(xxhash.xxh3_64_intdigest, words))
        # A text of fewer words than a sequence has is one sequence.
        hashed += [0] * (_WORDS - len(hashed))
        lengths[place] = len(hashed)
        hashes += hashed
    owners = np.repeat(np.arange(len(texts)), lengths - _WORDS + 1)
    return _least(_sequences(np.array(hashes, np.uint64), lengths), owners, len(texts))


def _sequences(words: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """32-bit hashes of the sequences of every text, one text after the other."""
    starts = np.ones(len(words), bool)
    ends = np.cumsum(lengths)
    for last in range(1, _WORDS):
        starts[ends - last] = False
    begins = np.flatnonzero(starts)
    mixed = np.zeros(len(begins), np.uint64)
    for place, mixer in enumerate(_MIXERS):
        mixed += words[begins + place] * np.uint64(mixer)
        mixed ^= mixed >> np.uint64(29)
    return mixed * np.uint64(_MIXERS[0]) >> np.uint64(32)


def _least(sequences: np.ndarray, owners: np.ndarray, count: int) -> np.ndarray:
    least = np.full((count, PERMUTATIONS), np.iinfo(np.uint64).max, np.uint64)
    for start in range(0, len(sequences), _BLOCK):
        block = sequences[start : start + _BLOCK, None] * _FACTORS
        block += _SUMMANDS
        owned = owners[start : start + _BLOCK]
        begins = np.flatnonzero(np.diff(owned, prepend=-1))
        found = slice(owned[0], owned[-1] + 1)
        # A long text goes on from one block to the next.
        least[found] = np.minimum(least[found], np.minimum.reduceat(block, begins))
    return (least >> np.uint64(32)).astype(np.uint32)

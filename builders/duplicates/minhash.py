"""How similar two instructions are, estimated from sketches of a fixed size (MinHash).

The similarity of two texts is the Jaccard similarity of their sets of three-word sequences. Each
of the 128 numbers of a sketch is the minimum of one random function over the sequences of the
text. Two sketches have the same number at a position with a probability equal to the similarity
(Broder 1997), so the share of equal positions estimates it.
"""

from collections.abc import Sequence

import numpy as np
import xxhash

from builders.duplicates.exact import normalize

# The least similarity of near-duplicates, with a standard error of √(0.7·0.3/128) = 0.04.
SIMILARITY = 0.7
PERMUTATIONS = 128
_WORDS = 3
# Sequences at a time: 512 kB of products fit into a core's cache (4 MB took 1.7 times as long).
_BLOCK = 512

_random = np.random.Generator(np.random.PCG64(1))
# x → (a·x + b) mod 2⁶⁴ of a 32-bit x, of which the upper half is used (Dietzfelbinger 1996).
_FACTORS = _random.integers(2**64, size=PERMUTATIONS, dtype=np.uint64) | np.uint64(1)
_SUMMANDS = _random.integers(2**64, size=PERMUTATIONS, dtype=np.uint64)
_MIXERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)


def sketches(texts: Sequence[str]) -> np.ndarray:
    """The sketches of `texts`, (n, 128) of uint32; the same on every machine."""
    return normalized_sketches([normalize(text) for text in texts])


def normalized_sketches(texts: Sequence[str]) -> np.ndarray:
    """The same of texts that `normalize` has returned."""
    hashes: list[int] = []
    lengths = np.empty(len(texts), np.int64)
    for index, text in enumerate(texts):
        words = text.encode(errors="replace").split()
        word_hashes = list(map(xxhash.xxh3_64_intdigest, words))
        # A text shorter than a sequence is padded to one sequence.
        word_hashes += [0] * (_WORDS - len(word_hashes))
        lengths[index] = len(word_hashes)
        hashes += word_hashes
    owners = np.repeat(np.arange(len(texts)), lengths - _WORDS + 1)
    return _minima(_sequences(np.array(hashes, np.uint64), lengths), owners, len(texts))


def _sequences(words: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """32-bit hashes of the sequences of all texts, one text after the other.

    `words` has the hashes of all words, `lengths` the number of words of each text. With lengths
    of 4 and 3, sequences start at the words 0, 1 and 4: the last two words of a text start none.
    """
    is_start = np.ones(len(words), bool)
    ends = np.cumsum(lengths)
    for last in range(1, _WORDS):
        is_start[ends - last] = False
    starts = np.flatnonzero(is_start)
    mixed = np.zeros(len(starts), np.uint64)
    for offset, mixer in enumerate(_MIXERS):
        mixed += words[starts + offset] * np.uint64(mixer)
        mixed ^= mixed >> np.uint64(29)
    return mixed * np.uint64(_MIXERS[0]) >> np.uint64(32)


def _minima(sequences: np.ndarray, owners: np.ndarray, count: int) -> np.ndarray:
    """The sketches of `count` texts: for each, the minimum of every function of its `sequences`.

    `owners` has the text of each sequence, in ascending order.
    """
    # A function in each row: sequences that follow each other in memory are compared fastest.
    minima = np.full((PERMUTATIONS, count), np.iinfo(np.uint64).max, np.uint64)
    buffer = np.empty((PERMUTATIONS, _BLOCK), np.uint64)
    for start in range(0, len(sequences), _BLOCK):
        block_owners = owners[start : start + _BLOCK]
        block = buffer[:, : len(block_owners)]
        np.multiply(_FACTORS[:, None], sequences[start : start + _BLOCK], out=block)
        block += _SUMMANDS[:, None]
        bounds = np.flatnonzero(np.diff(block_owners, prepend=-1))
        # Every text has a sequence, so the texts of a block are consecutive. The first may have
        # begun in an earlier block.
        texts = slice(block_owners[0], block_owners[-1] + 1)
        minima[:, texts] = np.minimum(minima[:, texts], np.minimum.reduceat(block, bounds, axis=1))
    return np.ascontiguousarray((minima >> np.uint64(32)).astype(np.uint32).T)

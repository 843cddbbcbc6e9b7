"""Which rows people are asked about, each with the exact probability of having been drawn.

All strategies are one design: stratified simple random sampling. A row belongs to the stratum
that its strategy names; the whole sample is shared out among the strata; within a stratum every
subset of the given size is equally likely. An inclusion probability is then the expected size of
the stratum's share over the stratum's rows, which is known exactly, unlike that of a sequential
draw with unequal probabilities, and the sample has exactly the size that was asked for, unlike a
Poisson sample. Expected shares are no whole numbers; systematic rounding (Madow 1949) with one
random start turns them into neighbouring ones of the same sum and leaves the expectation exact.
No row has a probability of 0, so the Horvitz–Thompson estimate of any total is unbiased.

- `uniform`: one stratum.
- `stratified`: by source and by the bin of the draft's score; strata share alike, as far as they
  have rows.
- `informative`: by how many signs of a doubtful verdict a row shows (`signs`); each sign raises
  the odds of being drawn by as much again (`1 + 2 × signs`).

Draws are keyed hashes of the rows' ids: the same rows and seed give the same sample in whatever
order they come. One pass; memory holds at most as many ids for each stratum as are asked for.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil

import xxhash

from builders.errors import BadInput
from builders.review.candidates import Candidate

# From these on, a row shows a sign: the score given with the critique is so far from the
# independent one, the two answers' scores are so close, the refinement is so much longer.
_DISAGREEMENT, _CLOSE, _LONGER = 2, 1, 0.5
_BINS = ((4, "1-4"), (6, "5-6"), (8, "7-8"), (10, "9-10"))


@dataclass(frozen=True)
class Drawn:
    """A row of the sample. `stratum` says why it had the probability it had."""

    id: str
    stratum: str
    inclusion_probability: float


def signs(row: Candidate) -> tuple[str, ...]:
    """What makes a row worth a person's time: any of `disagreement`, `close` and `longer`.

    The independent score of the draft is 2 or more from the one given with the critique; the
    independent scores of the two answers are at most 1 apart; the refinement is over half as long
    again as the draft. A missing score shows nothing.
    """
    found = []
    if row.draft_score is not None and row.critique_score is not None:
        found += ["disagreement"] * (abs(row.draft_score - row.critique_score) >= _DISAGREEMENT)
    if row.margin is not None:
        found += ["close"] * (abs(row.margin) <= _CLOSE)
    return (*found, *(["longer"] * (row.growth > _LONGER)))


def score_bin(score: int | None) -> str:
    """The name of the band that a score is in."""
    return "unscored" if score is None else next(name for last, name in _BINS if score <= last)


@dataclass(frozen=True)
class _Strategy:
    stratum: Callable[[Candidate], str]
    # A stratum's claim to the sample, from its name and its rows.
    claim: Callable[[str, int], float]


def _doubt(row: Candidate) -> str:
    """The signs, whose number is read off the name again."""
    return " ".join(signs(row)) or "none"


def _doubt_claim(stratum: str, rows: int) -> float:
    return rows * (1 + 2 * (len(stratum.split()) if stratum != "none" else 0))


_STRATEGIES = {
    "uniform": _Strategy(lambda _row: "all", lambda _name, _rows: 1.0),
    "stratified": _Strategy(
        lambda row: f"{row.source}, score {score_bin(row.draft_score)}", lambda _name, _rows: 1.0
    ),
    "informative": _Strategy(_doubt, _doubt_claim),
}
STRATEGIES = tuple(_STRATEGIES)


def sample(rows: Iterable[Candidate], size: int, strategy: str, seed: int) -> list[Drawn]:
    """`size` of `rows`, or all of them where there are fewer, in the order of their ids.

    A strategy that is not one of STRATEGIES, a size below 1, and an id that comes twice in what
    is drawn raise BadInput.
    """
    if strategy not in _STRATEGIES:
        raise BadInput(f"strategy is {strategy!r}, not one of {', '.join(STRATEGIES)}")
    if size < 1:
        raise BadInput(f"the sample's size is {size}, not a positive number")
    plan = _STRATEGIES[strategy]
    counts: Counter[str] = Counter()
    # The rows of least hash by stratum, as a heap with the greatest of them on top.
    least: dict[str, list[tuple[int, _Reversed]]] = {}
    for row in rows:
        stratum = plan.stratum(row)
        counts[stratum] += 1
        heap = least.setdefault(stratum, [])
        entry = (-_hash(seed, "row", row.id), _Reversed(row.id))
        if len(heap) < size:
            heapq.heappush(heap, entry)
        else:
            heapq.heappushpop(heap, entry)
    expected = shares(counts, {name: plan.claim(name, rows) for name, rows in counts.items()}, size)
    drawn = []
    for stratum, whole in rounded(expected, _start(seed)).items():
        chosen = sorted(least[stratum], reverse=True)[:whole]
        chance = min(1.0, expected[stratum] / counts[stratum])
        drawn += [Drawn(entry.id, stratum, chance) for _, entry in chosen]
    drawn.sort(key=lambda row: row.id)
    for first, second in pairwise(drawn):
        if first.id == second.id:
            raise BadInput(f"the id {first.id} is that of two rows")
    return drawn


@dataclass(frozen=True)
class _Reversed:
    """An id that sorts backwards, as the negated hash before it does."""

    id: str

    def __lt__(self, other: "_Reversed") -> bool:
        return self.id > other.id


def shares(counts: dict[str, int], claims: dict[str, float], size: int) -> dict[str, float]:
    """The expected part of each stratum, in proportion to its claim and never above its rows.

    They sum to `size`, or to all rows where that is fewer. What a stratum cannot take goes to
    the others by their claims.
    """
    left, claimed = float(min(size, sum(counts.values()))), sum(claims.values())
    found = {}
    # Those that are full first: whether a stratum is full depends on none after it.
    for name in sorted(counts, key=lambda name: (counts[name] / claims[name], name)):
        part = min(float(counts[name]), left * claims[name] / claimed)
        found[name] = part
        left -= part
        claimed -= claims[name]
    return {name: found[name] for name in sorted(found)}


def rounded(expected: dict[str, float], start: float) -> dict[str, int]:
    """Whole numbers next to `expected`, of the same sum, each with that expectation.

    Systematic: a stratum has as many as there are points `start`, `start + 1`, … in its piece of
    the line on which the parts lie end to end; `start` is uniform in [0, 1).
    """
    whole, before, total = {}, 0, 0.0
    final = round(sum(expected.values()))
    for number, (name, part) in enumerate(expected.items(), start=1):
        total += part
        # The sum of floats may miss the whole number that the last piece ends at.
        end = float(final) if number == len(expected) else round(total, 9)
        # Exactly: a float's difference would lose a `start` just below 1.
        points = ceil(Fraction(end) - Fraction(start))
        whole[name] = points - before
        before = points
    return whole


def _start(seed: int) -> float:
    return (_hash(seed, "start", "") >> 11) / 2**53


def _hash(seed: int, use: str, text: str) -> int:
    return xxhash.xxh3_64_intdigest(f"{seed}\n{use}\n{text}".encode(errors="surrogatepass"))

"""Which rows people review, how likely each was to be drawn, and which answer is shown first.

All strategies share one design: stratified simple random sampling. The strategy assigns each row
to a stratum and each stratum a claim; the sample is divided among the strata in proportion to
their claims, and within a stratum every subset of the given size is equally likely. So a row's
inclusion probability is known exactly: its stratum's expected share divided by the stratum's rows.
No probability is 0, so the Horvitz–Thompson estimate of any total is unbiased.

The strategies are in `builders.review.strategies`. For example, 100 of 1,000 rows, 9 of which are
from a rare source that claims as much as 40 rows do:

>>> {name: round(share, 1) for name, share in
...  shares({"common": 991, "rare": 9}, {"common": 991.0, "rare": 40.0}, 100).items()}
{'common': 96.1, 'rare': 3.9}

A common row's probability is 96.1 / 991. Shares are seldom whole numbers. Systematic rounding
(Madow 1949) lays them end to end on a line and marks the points `start`, `start + 1`, …; each
stratum gets as many rows as it has points. Here the pieces are [0, 1.5), [1.5, 3.75) and [3.75, 4),
and the points are 0.4, 1.4, 2.4 and 3.4:

>>> rounded({"a": 1.5, "b": 2.25, "c": 0.25}, start=0.4)
{'a': 2, 'b': 2, 'c': 0}

Since `start` is uniform in [0, 1), each stratum gets its share on average, and the sample always
has the requested size.

Draws are keyed hashes of row ids, so the same rows and seed give the same sample in any order.
One pass over the rows; for each stratum, at most the sample's size of ids is in memory.
"""

import hashlib
import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Any

import xxhash

from builders.errors import BadInput
from builders.review.folder import Population
from builders.review.reviewable import ReviewableRow, reviewable_row
from builders.review.strategies import STRATEGIES, STRATEGY
from builders.rows import Row
from builders.rows.schema import ORDERS


@dataclass(frozen=True)
class Design:
    """The settings that determine which rows are drawn and how they are shown.

    `review` (a name) and `source` (a digest) make record keys unique to this review. `rows` is what
    the sample is drawn from. The names and values of all fields are hashed into keys and orders:
    changing one changes every draw.
    """

    review: str
    source: str
    rows: Population
    strategy: str
    seed: int
    sample: int
    calibration: int = 0
    assisted: bool = False

    def key(self, use: str, row_id: str) -> str:
        """20 hexadecimal digits that do not reveal the row."""
        text = json.dumps([asdict(self), use, row_id], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True)
class SampledRow:
    """A row of the sample, and its stratum with the number of rows to choose from there."""

    id: str
    stratum: str
    stratum_rows: int
    inclusion_probability: float


def draw(
    rows: Callable[[], Iterable[Mapping[str, Any]]],
    design: Design,
    companions: Mapping[str, Sequence[str]] | None = None,
) -> list[Row]:
    """The rows drawn, sorted by key, with the columns `builders.review.folder.DRAWN`.

    The calibration rows are drawn first, uniformly; the sample is drawn from the rest, to which its
    inclusion probabilities and strata refer. `rows` is called once for each. `companions` has by
    id the rows that are drawn whenever the one with the id is; they are not among `rows`.

    BadInput if no row is reviewable or calibration leaves none.
    """

    def sample_of(rows: Iterable[Mapping[str, Any]], size: int, strategy: str) -> list[SampledRow]:
        reviewable = (known for row in rows if (known := reviewable_row(row)))
        return sample(reviewable, size, strategy, design.seed)

    calibration = []
    if design.calibration:
        calibration = sample_of(rows(), design.calibration, "uniform")
    taken = {row.id for row in calibration}
    rest = (row for row in rows() if row["id"] not in taken)
    sampled = sample_of(rest, design.sample, design.strategy)
    if not sampled and taken:
        raise BadInput(
            f"calibration takes all {len(taken):,} reviewable rows; none is left for the sample"
        )
    if not sampled:
        raise BadInput(
            f"nothing to review: none of the {sum(1 for _ in rows()):,} {design.rows} rows has a "
            "critique and two different answers"
        )
    drawn = [
        *_as_shown(_with(companions, calibration), design, calibration=True),
        *_as_shown(_with(companions, sampled), design, calibration=False),
    ]
    return sorted(drawn, key=lambda row: row["record"])


def _with(
    companions: Mapping[str, Sequence[str]] | None, drawn: Iterable[SampledRow]
) -> Iterator[SampledRow]:
    for row in drawn:
        yield row
        for other in (companions or {}).get(row.id, ()):
            yield replace(row, id=other)


def _as_shown(rows: Iterable[SampledRow], design: Design, *, calibration: bool) -> Iterator[Row]:
    """The rows with key and order. The two orders alternate, within each stratum too."""
    shuffled = sorted(rows, key=lambda row: (row.stratum, design.key("order", row.id)))
    flip = int(design.key("flip", str(calibration)), 16) % 2
    for place, row in enumerate(shuffled):
        yield {
            "record": design.key("record", row.id),
            "id": row.id,
            "order": ORDERS[(place + flip) % 2],
            "stratum": row.stratum,
            "stratum_rows": row.stratum_rows,
            "inclusion_probability": row.inclusion_probability,
            "calibration": calibration,
        }


def sample(rows: Iterable[ReviewableRow], size: int, strategy: str, seed: int) -> list[SampledRow]:
    """`size` of `rows`, or all of them if there are fewer, sorted by id.

    BadInput for a strategy not in STRATEGIES, a size below 1, and an id drawn twice.
    """
    if strategy not in STRATEGY:
        raise BadInput(f"strategy is {strategy!r}, not one of {', '.join(STRATEGIES)}")
    if size < 1:
        raise BadInput(f"the sample's size is {size}, not a positive number")
    stratum_of, claims_of = STRATEGY[strategy].stratum, STRATEGY[strategy].claims
    counts: Counter[str] = Counter()
    # The `size` rows with the smallest hashes of each stratum: a heap with the largest on top.
    smallest: dict[str, list[tuple[int, _Reversed]]] = {}
    for row in rows:
        stratum = stratum_of(row)
        counts[stratum] += 1
        heap = smallest.setdefault(stratum, [])
        entry = (-_hash(seed, "row", row.id), _Reversed(row.id))
        if len(heap) < size:
            heapq.heappush(heap, entry)
        else:
            heapq.heappushpop(heap, entry)
    expected = shares(counts, claims_of(counts, size), size)
    start = (_hash(seed, "start", "") >> 11) / 2**53
    drawn = []
    for stratum, number in rounded(expected, start).items():
        probability = min(1.0, expected[stratum] / counts[stratum])
        for _, entry in sorted(smallest[stratum], reverse=True)[:number]:
            drawn.append(SampledRow(entry.id, stratum, counts[stratum], probability))
    drawn.sort(key=lambda row: row.id)
    for first, second in pairwise(drawn):
        if first.id == second.id:
            raise BadInput(f"two rows have the id {first.id}")
    return drawn


@dataclass(frozen=True)
class _Reversed:
    """An id that sorts in reverse, like the negated hash before it."""

    id: str

    def __lt__(self, other: "_Reversed") -> bool:
        return self.id > other.id


def shares(counts: Mapping[str, int], claims: Mapping[str, float], size: int) -> dict[str, float]:
    """Each stratum's expected share of the sample: in proportion to its claim, at most its rows.

    The shares add up to `size`, or to all rows if there are fewer. What a stratum cannot use goes
    to the others, by their claims.
    """
    left, claimed = float(min(size, sum(counts.values()))), sum(claims.values())
    expected = {}
    # In the order in which strata fill up: whether one is full depends on none after it.
    for name in sorted(counts, key=lambda name: (counts[name] / claims[name], name)):
        share = min(float(counts[name]), left * claims[name] / claimed)
        expected[name] = share
        left -= share
        claimed -= claims[name]
    return {name: expected[name] for name in sorted(expected)}


def rounded(expected: dict[str, float], start: float) -> dict[str, int]:
    """Whole numbers of the same sum, each one of the two neighbors of its expected share.

    Systematic, see the module's example; `start` is uniform in [0, 1).
    """
    whole, before, end = {}, 0, 0.0
    last = len(expected)
    total = float(round(sum(expected.values())))
    for number, (name, share) in enumerate(expected.items(), start=1):
        end += share
        # The sum of floats may miss the whole number that the last piece ends at.
        exact_end = total if number == last else round(end, 9)
        # Fractions: a difference of floats would lose a `start` just below 1.
        points = ceil(Fraction(exact_end) - Fraction(start))
        whole[name] = points - before
        before = points
    return whole


def _hash(seed: int, use: str, text: str) -> int:
    return xxhash.xxh3_64_intdigest(f"{seed}\n{use}\n{text}".encode(errors="surrogatepass"))

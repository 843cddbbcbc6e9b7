"""What in an annotator's answers is hardly compatible with reading the pages, by tests of chance.

Three patterns are looked for, in unassisted verdicts. Each is tested so that somebody who works
well is seldom named: at level ALPHA or below, against what honest people can differ in.

- `bulk`: pages submitted faster than anybody can read them, by the length of their answers.
- `straight_line`: the same answer, as it was shown, so often or for so long that it is improbable
  even for somebody who gives it in MOST_HONEST of the pages. Which answer is shown first is
  random, so an honest person's choices alternate.
- `guess`: agreement with the others that is not above chance (a permutation test, by its exact
  mean and variance, Hoeffding 1951), while the others agree with each other significantly more
  (Welch's t). Where nobody agrees with anybody, the task is to blame and nobody is named.

People with one of the first two are not among the others of the third.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations, groupby
from typing import Literal, TypedDict

import numpy as np
from scipy import stats

from builders.review.reviewable import ReviewableRow
from builders.review.statistics.annotators import shown_choice, shown_scores
from builders.review.verdicts import Verdict, ratings_of, unassisted

# A page has seven keys to press, which takes a second at least. Nobody takes in more characters in
# a second than this (3,000 words a minute), but of a long answer, a glance may do.
KEYS_SECONDS, CHARACTERS_A_SECOND = 1.0, 250
FASTEST_SECONDS, MOST_SECONDS = 3.0, 5.0
# Pages in a row, each this close to the one before, which no honest correction explains.
BURST, BURST_SECONDS = 5, 2.0
# An honest person may, by a double click or on going back, submit this share of pages too fast.
HONEST_FAST = 0.05
# A share of one answer (as shown) that honest people may have.
MOST_HONEST = 0.6
ALPHA = 0.0005
# Below this, a pattern says too little.
LEAST = 20
_CHANCE, _BELOW_OTHERS = 0.05, 0.01

Kind = Literal["bulk", "straight_line", "guess"]


class Warned(TypedDict):
    """`figures` are those of the sentence that says what was found."""

    kind: Kind
    figures: dict[str, float]


def warnings_of(
    verdicts: Sequence[Verdict], rows: Mapping[str, ReviewableRow]
) -> dict[str, list[Warned]]:
    """The warnings by annotator, of everybody who has a verdict.

    `rows` are by id, and say how long the answers are; they may be missing.
    """
    counted = unassisted(verdicts)
    own = {
        name: [row for row in counted if row["annotator"] == name]
        for name in sorted({row["annotator"] for row in verdicts})
    }
    found = {name: [*bulk(said, rows), *straight_line(said)] for name, said in own.items()}
    doubtful = {name for name, warned in found.items() if warned}
    ratings = ratings_of(counted, "better")
    for name in own:
        others = own.keys() - doubtful - {name}
        found[name] += guess(ratings, name, others)
    return found


def _in_order(rows: Sequence[Verdict]) -> list[Verdict]:
    # The record decides between two verdicts of the same instant.
    return sorted(rows, key=lambda row: (row["submitted_at"], row["record"]))


def fastest_seconds(row: ReviewableRow | None) -> float:
    """In less than this, nobody can read both answers and press the keys.

    >>> fastest_seconds(None)
    3.0
    """
    if row is None:
        return FASTEST_SECONDS
    characters = row.draft_characters + row.refinement_characters
    return min(MOST_SECONDS, KEYS_SECONDS + characters / CHARACTERS_A_SECOND)


def bulk(verdicts: Sequence[Verdict], rows: Mapping[str, ReviewableRow]) -> Iterator[Warned]:
    """Whether one annotator's pages were submitted faster than they can be read.

    A page that was saved as a draft before may be submitted at once.
    """
    paced = [
        (row["seconds"], fastest_seconds(rows.get(row["id"])))
        for row in _in_order(verdicts)
        if row["seconds"] is not None and row["started_at"] is None
    ]
    fast = sum(seconds < fastest for seconds, fastest in paced)
    run = _longest([seconds < min(BURST_SECONDS, fastest) for seconds, fastest in paced], True)
    by_chance = stats.binom.sf(fast - 1, len(paced), HONEST_FAST) if fast else 1.0
    if run >= BURST or (fast >= BURST and by_chance < ALPHA):
        yield {"kind": "bulk", "figures": {"fast": fast, "of": len(paced), "run": run}}


def straight_line(rows: Sequence[Verdict]) -> Iterator[Warned]:
    """Whether one annotator's choices, or pairs of scores, are hardly ever different as shown."""
    ordered = _in_order(rows)
    for answers in (list(map(shown_choice, ordered)), list(map(shown_scores, ordered))):
        known = [answer for answer in answers if answer is not None]
        if len(known) < LEAST:
            continue
        times = max(map(known.count, set(known)))
        run = max(_longest(known, answer) for answer in set(known))
        often = stats.binom.sf(times - 1, len(known), MOST_HONEST)
        # At most the sum over the places where such a run can begin.
        long = (len(known) - run + 1) * MOST_HONEST**run
        if min(often, long) < ALPHA:
            yield {
                "kind": "straight_line",
                "figures": {"times": times, "of": len(known), "run": run},
            }
            return


def _longest(values: Sequence[object], wanted: object) -> int:
    """The longest run of `wanted`."""
    runs = (len(list(run)) for value, run in groupby(values) if value == wanted)
    return max(runs, default=0)


def guess(
    ratings: Mapping[str, Mapping[str, str]], name: str, others: AbstractSet[str]
) -> Iterator[Warned]:
    """Whether one annotator agrees with `others` by chance only, and they with each other more.

    `ratings` are the answers to which answer is better, by record and annotator.
    """
    chosen: list[str] = []
    beside: list[list[str]] = []
    without: list[float] = []
    for answers in ratings.values():
        theirs = [answers[other] for other in sorted(others & answers.keys())]
        if pairs := list(combinations(theirs, 2)):
            without.append(sum(one == other for one, other in pairs) / len(pairs))
        if name in answers and theirs:
            chosen.append(answers[name])
            beside.append(theirs)
    if len(chosen) < LEAST or len(without) < LEAST:
        return
    agreement = np.array(
        [theirs.count(answer) / len(theirs) for answer, theirs in zip(chosen, beside, strict=True)]
    )
    if above_chance(chosen, beside) < _CHANCE:
        return
    if np.ptp(agreement) == np.ptp(without) == 0:
        is_below = agreement.mean() < np.mean(without)
    else:
        test = stats.ttest_ind(agreement, without, equal_var=False, alternative="less")
        is_below = test.pvalue < _BELOW_OTHERS
    if is_below:
        figures = {
            "agreement": float(agreement.mean()),
            "others": float(np.mean(without)),
            "of": len(chosen),
        }
        yield {"kind": "guess", "figures": figures}


def above_chance(chosen: Sequence[str], beside: Sequence[Sequence[str]]) -> float:
    """The probability of so much agreement if the same answers were given to pages at random.

    `chosen` is one person's answer to each record, and `beside` has what the others said of it.
    The agreement is a linear statistic of the permutation, so its mean and variance are known.
    """
    values = sorted(set(chosen))
    # By record and answer: the share of the others who gave it.
    shares = np.array(
        [[theirs.count(value) / len(theirs) for value in values] for theirs in beside]
    )
    column = np.array([values.index(answer) for answer in chosen])
    matrix = shares[:, column]
    records = len(chosen)
    centered = matrix - matrix.mean(axis=0) - matrix.mean(axis=1, keepdims=True) + matrix.mean()
    variance = (centered**2).sum() / (records - 1)
    observed = np.trace(matrix)
    if variance <= 1e-12:
        return 1.0
    return float(stats.norm.sf((observed - matrix.sum() / records) / np.sqrt(variance)))

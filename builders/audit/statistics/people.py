"""How far a judge can get: people among themselves, a bound, and the alternative annotator test."""

from collections.abc import Mapping, Sequence

import numpy as np
from typing_extensions import TypedDict

from builders.audit.statistics.agreement import preferences

# One pair's choices by person: 1 for B, 0 for A, ½ for a tie.
Choices = Mapping[str, float]

# Calderon et al. (2501.10970): the least people and shared pairs for a winning rate, the advantage
# that a person gets for being one (0.1, the value for crowd workers, is the stricter one), and the
# share of false rejections that Benjamini and Yekutieli's procedure allows.
LEAST_PEOPLE, LEAST_SHARED = 3, 50
EPSILON, FALSE_REJECTIONS = 0.1, 0.05


class PeopleAgreement(TypedDict):
    """People among themselves.

    `value`: how often a person agrees with another who also chose, ties left out; each of `pairs`
    with two or more who chose counts once. `bound`: no judge can agree more with such people.
    """

    value: float | None
    bound: float | None
    pairs: int
    people: int


class AltTest(TypedDict):
    """The alternative annotator test. `winning_rate` is None if there are too few people or pairs.

    `advantage`: how likely the judge is at least as close to the other people as a person is.
    """

    advantage: float | None
    winning_rate: float | None
    people: int
    epsilon: float


def share_of(choices: Choices) -> float:
    """The share of the people who chose (no tie) who chose B; NaN if nobody did.

    >>> share_of({"ada": 1.0, "ben": 0.5, "cem": 0.0, "dan": 1.0})
    0.6666666666666666
    """
    chosen = [value for value in choices.values() if value != 0.5]
    return sum(chosen) / len(chosen) if chosen else float("nan")


def majority_of(choices: Choices) -> float:
    """What most people said: 1 for B, 0 for A, ½ for a tie or if no answer has a majority."""
    values = list(choices.values())
    for answer in (0.0, 1.0):
        if 2 * values.count(answer) > len(values):
            return answer
    return 0.5


def people_agreement(choices: Sequence[Choices]) -> PeopleAgreement:
    """Leave one out: each person who chose against the others who did, on the same pair."""
    people = {person for pair in choices for person in pair}
    agreed, best = [], []
    for pair in choices:
        chosen = [value for value in pair.values() if value != 0.5]
        n, b = len(chosen), sum(chosen)
        if n >= 2:
            # Of the n·(n − 1) ordered pairs of people, those who said the same.
            agreed.append((b * (b - 1) + (n - b) * (n - b - 1)) / (n * (n - 1)))
            best.append(max(b, n - b) / n)
    if not agreed:
        return {"value": None, "bound": None, "pairs": 0, "people": len(people)}
    value = float(np.mean(agreed))
    two_each = all(sum(value != 0.5 for value in pair.values()) <= 2 for pair in choices)
    # With two people a split pair says nothing of p; their agreement q = p² + (1 − p)² does.
    bound = (1 + max(0.0, 2 * value - 1) ** 0.5) / 2 if two_each else float(np.mean(best))
    return {"value": value, "bound": bound, "pairs": len(agreed), "people": len(people)}


def alt_test(margins: np.ndarray, choices: Sequence[Choices]) -> AltTest:
    """Whether the judge could replace a person, by how close both are to the remaining people."""
    people = sorted({person for pair in choices for person in pair})
    judged = preferences(margins)
    # For each person: (the judge is at least as close, the person is at least as close).
    wins: dict[str, list[tuple[bool, bool]]] = {person: [] for person in people}
    for verdict, pair in zip(judged, choices, strict=True):
        for person, own in pair.items():
            others = [value for other, value in pair.items() if other != person]
            if others:
                judge, human = (np.mean([x == value for value in others]) for x in (verdict, own))
                wins[person].append((judge >= human, human >= judge))
    shared = {person: won for person, won in wins.items() if won}
    if not shared:
        return {
            "advantage": None,
            "winning_rate": None,
            "people": len(people),
            "epsilon": EPSILON,
        }
    advantage = float(np.mean([np.mean([judge for judge, _ in won]) for won in shared.values()]))
    enough = {person: won for person, won in shared.items() if len(won) >= LEAST_SHARED}
    rate = None
    if len(enough) >= LEAST_PEOPLE:
        p = np.array([_p_of_replacement(won) for won in enough.values()])
        rate = float(_rejected(p).mean())
    return {
        "advantage": advantage,
        "winning_rate": rate,
        "people": len(people),
        "epsilon": EPSILON,
    }


def _p_of_replacement(won: Sequence[tuple[bool, bool]]) -> float:
    """One-sided t test of: the person wins at least ε more often than the judge."""
    lead = np.array([float(human) - float(judge) for judge, human in won])
    if np.ptp(lead) == 0:
        return 0.0 if lead[0] < EPSILON else 1.0
    # Imported here, because scipy.stats takes a second.
    from scipy.stats import ttest_1samp

    return float(ttest_1samp(lead, EPSILON, alternative="less").pvalue)


def _rejected(p: np.ndarray) -> np.ndarray:
    """Which hypotheses Benjamini and Yekutieli's procedure rejects."""
    m = len(p)
    ranks = np.arange(1, m + 1)
    limits = ranks / m * FALSE_REJECTIONS / np.sum(1 / ranks)
    below = np.flatnonzero(np.sort(p) <= limits)
    return p <= (np.sort(p)[below[-1]] if len(below) else -1.0)

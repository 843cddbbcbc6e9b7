"""How often a judge agrees with people: raw, weighted, balanced, by tie rule, and the baselines."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from typing_extensions import TypedDict

from builders.audit.statistics.clusters import Estimate, share_with_interval

# What a tie of the judge counts: half a hit, a miss, or nothing.
TieRule = Literal["half", "wrong", "left out"]
TIE_RULES: tuple[TieRule, ...] = ("half", "wrong", "left out")
# The bands of the longer answer's length over the shorter one's, by their lower ends.
LENGTH_BANDS = ((1.0, "similar (up to 1.25×)"), (1.25, "longer (1.25× to 2×)"), (2.0, "over 2×"))


class JudgeAgreement(TypedDict):
    """Agreement with people.

    `raw` counts each pair once, a tie as half; `weighted` counts it 1/π times; `by_ties` is raw by
    each tie rule. `balanced` is the mean of the agreement on pairs in which people chose the answer
    with an attribute and on those in which they chose the other, by attribute.
    """

    raw: Estimate
    weighted: Estimate
    balanced: dict[str, float | None]
    by_ties: dict[str, Estimate]
    ties: int
    unreadable: int


def preferences(margins: np.ndarray) -> np.ndarray:
    """The judge's preference for B: 1, 0, or ½ for a tie and for what is unreadable."""
    return (np.sign(np.nan_to_num(margins)) + 1) / 2


def credit(margins: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The share of the people who chose with whom the judge agrees; ½ for a tie or unreadable.

    >>> credit(np.array([2.0, -1.0, 0.0, np.nan]), np.array([1.0, 1 / 3, 1.0, 0.0])).round(2)
    array([1.  , 0.67, 0.5 , 0.5 ])
    """
    judged = preferences(margins)
    return judged * shares + (1 - judged) * (1 - shares)


def judge_agreement(
    margins: np.ndarray,
    shares: np.ndarray,
    clusters: np.ndarray,
    weights: np.ndarray,
    attributes: Mapping[str, np.ndarray],
) -> JudgeAgreement:
    """Every figure of agreement, over the pairs in which somebody chose.

    `attributes[name]` is +1 where B alone has the attribute, −1 where A alone has it, else 0.
    """
    chosen = ~np.isnan(shares)
    margins, shares, clusters = margins[chosen], shares[chosen], clusters[chosen]
    gained, tied = credit(margins, shares), np.nan_to_num(margins) == 0
    rules = {
        "half": share_with_interval(gained, clusters),
        "wrong": share_with_interval(np.where(tied, 0.0, gained), clusters),
        "left out": share_with_interval(gained[~tied], clusters[~tied]),
    }
    return {
        "raw": rules["half"],
        "weighted": share_with_interval(gained, clusters, weights[chosen]),
        "balanced": {
            name: balanced(margins, shares, values[chosen]) for name, values in attributes.items()
        },
        "by_ties": rules,
        "ties": int((margins == 0).sum()),
        "unreadable": int(np.isnan(margins).sum()),
    }


def balanced(margins: np.ndarray, shares: np.ndarray, attribute: np.ndarray) -> float | None:
    """The mean of the agreement where people chose the answer with the attribute and where not.

    A constant judge ("the longer one", "the refinement") has ½. None if people never chose one of
    the two.
    """
    judged = preferences(margins)
    differs = (attribute != 0) & ~np.isnan(shares) & (shares != 0.5)
    has_b, people_b = attribute[differs] > 0, shares[differs] > 0.5
    right = np.where(people_b, judged[differs], 1 - judged[differs])
    with_attribute = has_b == people_b
    if not len(right) or with_attribute.all() or not with_attribute.any():
        return None
    return float((right[with_attribute].mean() + right[~with_attribute].mean()) / 2)


def by_group(
    margins: np.ndarray, shares: np.ndarray, clusters: np.ndarray, groups: Sequence[str]
) -> dict[str, Estimate]:
    """Raw agreement in each group of pairs, such as their sources; sorted by name."""
    names, chosen = np.asarray(groups), ~np.isnan(shares)
    figures = {}
    for name in sorted(set(groups)):
        own = chosen & (names == name)
        figures[name] = share_with_interval(credit(margins[own], shares[own]), clusters[own])
    return figures


def length_band(first: int, second: int) -> str:
    """The band of two lengths in characters: how much longer the longer answer is.

    >>> length_band(100, 120), length_band(300, 100)
    ('similar (up to 1.25×)', 'over 2×')
    """
    ratio = max(first, second) / max(min(first, second), 1)
    return next(name for least, name in reversed(LENGTH_BANDS) if max(ratio, 1.0) >= least)


class FlipRate(TypedDict):
    """How often a judge that is asked twice changes its mind.

    `verdicts` is the share of `pairs` whose preferred answer changes (to or from a tie counts too);
    `scores` the share of their answers with another score. None without repeats.
    """

    pairs: int
    verdicts: float | None
    scores: float | None


def flip_rate(first: np.ndarray, second: np.ndarray) -> FlipRate:
    """Flips between two passes over the same pairs; (n, 2) scores of A and B, NaN unreadable."""
    n = len(first)
    if not n:
        return {"pairs": 0, "verdicts": None, "scores": None}
    signs = [np.nan_to_num(np.sign(scores[:, 1] - scores[:, 0])) for scores in (first, second)]
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    return {
        "pairs": n,
        "verdicts": float((signs[0] != signs[1]).mean()),
        "scores": float(1 - same.mean()),
    }

"""Whether a judge favors answers with an attribute: its own text, the longer one, a list.

Equal opportunity (Wataoka et al., 2410.21819): how much more often the judge finds the better
answer where that has the attribute than where the other answer does. A good judge of good answers
has 0, however often the answers with the attribute are better. What is left may still be quality
that people see less well; so the figure always stands beside that of control judges.
"""

from collections.abc import Sequence

import numpy as np
from typing_extensions import TypedDict

from builders.audit.statistics.agreement import preferences
from builders.audit.statistics.clusters import Estimate, bootstrapped_by_cluster


class Bias(TypedDict):
    """`opportunity` is EO with a 90% interval; `beside_controls` is EO minus the controls' mean.

    `found` says that the whole interval of what stands beside controls is above 0; it is None
    without controls: then nobody can tell taste from quality.
    """

    opportunity: Estimate
    controls: dict[str, float | None]
    beside_controls: Estimate | None
    found: bool | None


class Premium(TypedDict):
    """How much more often the judge prefers the answer with an attribute than people do."""

    judge: float | None
    people: float | None
    premium: Estimate
    controls: dict[str, float | None]


def equal_opportunity(
    margins: np.ndarray,
    shares: np.ndarray,
    attribute: np.ndarray,
    weights: np.ndarray | None = None,
) -> float:
    """P(judge agrees | the better answer has the attribute) − P(it agrees | the other has it).

    The better answer is the one that most people chose. `attribute` is +1 where B alone has it, −1
    where A alone has it, else 0. NaN unless both kinds of pairs occur.

    >>> always_b = np.ones(4)
    >>> people, b_is_own = np.array([1.0, 1.0, 0.0, 0.0]), np.ones(4)
    >>> equal_opportunity(always_b, people, b_is_own)
    1.0
    """
    weights = np.ones(len(margins)) if weights is None else weights
    usable = (attribute != 0) & ~np.isnan(shares) & (shares != 0.5)
    people_b = shares > 0.5
    right = np.where(people_b, preferences(margins), 1 - preferences(margins))
    with_attribute = people_b == (attribute > 0)
    means = []
    for chosen in (usable & with_attribute, usable & ~with_attribute):
        total = weights[chosen].sum()
        if not total:
            return float("nan")
        means.append(float(weights[chosen] @ right[chosen] / total))
    return means[0] - means[1]


def bias(
    margins: np.ndarray,
    shares: np.ndarray,
    attribute: np.ndarray,
    clusters: np.ndarray,
    controls: Sequence[tuple[str, np.ndarray]] = (),
) -> Bias:
    """EO of the judge, and how far it is above that of the control judges on the same pairs."""

    def opportunity(margins: np.ndarray, weights: np.ndarray) -> float:
        return equal_opportunity(margins, shares, attribute, weights)

    def beside(weights: np.ndarray) -> float:
        others = [opportunity(other, weights) for _, other in controls]
        return opportunity(margins, weights) - float(np.mean(others))

    once = np.ones(len(margins))
    difference = bootstrapped_by_cluster(beside, clusters) if controls else None
    return {
        "opportunity": bootstrapped_by_cluster(lambda w: opportunity(margins, w), clusters),
        "controls": {name: _finite(opportunity(other, once)) for name, other in controls},
        "beside_controls": difference,
        "found": (difference["low"] or 0.0) > 0 if difference else None,
    }


def premium(
    margins: np.ndarray,
    shares: np.ndarray,
    attribute: np.ndarray,
    clusters: np.ndarray,
    controls: Sequence[tuple[str, np.ndarray]] = (),
) -> Premium:
    """How often the judge prefers the answer with the attribute, minus how often people do.

    Over the pairs in which one answer has it and somebody chose; ties are half a preference.
    """
    usable = (attribute != 0) & ~np.isnan(shares)
    has_b, clusters = attribute[usable] > 0, clusters[usable]
    people = np.where(has_b, shares[usable], 1 - shares[usable])

    def of(margins: np.ndarray) -> np.ndarray:
        judged = preferences(margins[usable])
        return np.where(has_b, judged, 1 - judged)

    own = of(margins)
    n = len(own)

    def mean(weights: np.ndarray) -> float:
        return float(weights @ (own - people) / weights.sum())

    return {
        "judge": float(own.mean()) if n else None,
        "people": float(people.mean()) if n else None,
        "premium": bootstrapped_by_cluster(mean, clusters),
        "controls": {
            name: float((of(other) - people).mean()) if n else None for name, other in controls
        },
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

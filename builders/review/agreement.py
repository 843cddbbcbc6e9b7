"""How far annotators agree with each other.

Cohen's and Fleiss' kappa are statsmodels'; alpha is in `builders.review.krippendorff`. A figure
is None where it is undefined: with no pair of ratings, or with a single value in all of them,
which leaves nothing to agree on beyond chance.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

from builders.review.counted import Ratings, Verdict, ratings_of, unassisted
from builders.review.intervals import bootstrapped
from builders.review.krippendorff import LEVELS, alpha, coincidences
from builders.schema import BETTER, WEAKNESSES_REAL

WEIGHTS = (None, "linear", "quadratic")
_SCORES = tuple(range(1, 11))
# The answers in their order, and the levels of measurement that this order has. "tie" lies
# between the two answers, and "some" between "all" and "none".
QUESTIONS: dict[str, tuple[tuple, tuple[str, ...]]] = {
    "better": ((BETTER[0], BETTER[2], BETTER[1]), ("nominal", "ordinal")),
    "draft_score": (_SCORES, LEVELS),
    "refinement_score": (_SCORES, LEVELS),
    "weaknesses_real": (WEAKNESSES_REAL, ("nominal", "ordinal")),
    "suggestions_actionable": ((False, True), ("nominal",)),
    "refinement_introduces_error": ((False, True), ("nominal",)),
}


def between_annotators(verdicts: Sequence[Verdict]) -> dict[str, dict[str, Any]]:
    """For each question, how far unassisted annotators agree; calibration records included."""
    counted = unassisted(verdicts)
    return {
        question: question_agreement(ratings_of(counted, question), values, levels)
        for question, (values, levels) in QUESTIONS.items()
    }


def question_agreement(ratings: Ratings, values: Sequence, levels: Sequence[str]) -> dict[str, Any]:
    """Every figure of one question, whose possible answers are `values` in their order.

    `percent` and `alpha` come with intervals over resampled records, of those with two ratings
    or more. `cohen` has the mean over all pairs of annotators, each weighing as many records as
    the two share, and each pair's own (Light's kappa where all share the same).
    """
    tables = coincidences(ratings, values)
    once = np.ones(len(tables))
    numbers = np.arange(len(values)) if isinstance(values[0], str) else values
    return {
        "annotators": len({name for answers in ratings.values() for name in answers}),
        "ratings": sum(map(len, ratings.values())),
        "records": len(tables),
        "percent": bootstrapped(lambda weights: _agreeing(_sum(tables, weights)), once),
        "cohen": cohen_by_pair(ratings, values),
        "fleiss": fleiss(ratings, values),
        "alpha": {
            level: bootstrapped(
                lambda weights, level=level: alpha(_sum(tables, weights), level, numbers), once
            )
            for level in levels
        },
    }


def _sum(tables: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.tensordot(weights, tables, axes=1)


def _agreeing(table: np.ndarray) -> float:
    total = table.sum()
    return float(np.trace(table) / total) if total else float("nan")


def percent_agreement(ratings: Ratings, values: Sequence) -> float | None:
    """The chance that two ratings of a record agree, each record weighing as many as it has."""
    return _finite(_agreeing(coincidences(ratings, values).sum(axis=0)))


def krippendorff_alpha(ratings: Ratings, values: Sequence, level: str) -> float | None:
    """Alpha at a level of measurement; `values` in ascending order, numbers for `interval`."""
    return _finite(alpha(coincidences(ratings, values).sum(axis=0), level, values))


def cohen(
    pairs: Sequence[tuple[Any, Any]], values: Sequence, weights: str | None = None
) -> float | None:
    """Cohen's kappa of two annotators' answers to the same records.

    `weights`: None counts any difference as one, `linear` and `quadratic` by how many places of
    `values` lie between.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights is {weights!r}, not one of {WEIGHTS}")
    place = {value: number for number, value in enumerate(values)}
    table = np.zeros((len(values), len(values)))
    for first, second in pairs:
        table[place[first], place[second]] += 1
    # One value in all of them: 0 / 0.
    if np.count_nonzero(table.sum(axis=0) + table.sum(axis=1)) < 2:
        return None
    return _finite(cohens_kappa(table, wt=weights, return_results=False))


def cohen_by_pair(ratings: Ratings, values: Sequence) -> dict[str, Any]:
    """Cohen's kappa of each two annotators that share records, and the means over them."""
    shared: dict[tuple[str, str], list[tuple[Any, Any]]] = {}
    for answers in ratings.values():
        for first, second in combinations(sorted(answers), 2):
            shared.setdefault((first, second), []).append((answers[first], answers[second]))
    weights = WEIGHTS if len(values) > 2 else WEIGHTS[:1]
    found = [
        {
            "annotators": list(names),
            "records": len(pairs),
            "percent": sum(first == second for first, second in pairs) / len(pairs),
            **{_named(kind): cohen(pairs, values, kind) for kind in weights},
        }
        for names, pairs in sorted(shared.items())
    ]
    return {**{_named(kind): _mean(found, _named(kind)) for kind in weights}, "pairs": found}


def _named(weights: str | None) -> str:
    return weights or "unweighted"


def _mean(found: Sequence[dict[str, Any]], name: str) -> float | None:
    known = [(one[name], one["records"]) for one in found if one[name] is not None]
    of = sum(records for _, records in known)
    return sum(value * records for value, records in known) / of if of else None


def fleiss(ratings: Ratings, values: Sequence) -> dict[str, Any]:
    """Fleiss' kappa, which asks for as many ratings of each record.

    Taken over the records that have the commonest number of ratings from two on (of two equally
    common ones, the larger): {value, records, raters}.
    """
    sizes = Counter(len(answers) for answers in ratings.values() if len(answers) > 1)
    if not sizes:
        return {"value": None, "records": 0, "raters": None}
    raters = max(sizes, key=lambda size: (sizes[size], size))
    table = np.array(
        [
            [sum(answer == value for answer in answers.values()) for value in values]
            for answers in ratings.values()
            if len(answers) == raters
        ]
    )
    several = np.count_nonzero(table.sum(axis=0)) > 1
    value = _finite(fleiss_kappa(table)) if several else None
    return {"value": value, "records": len(table), "raters": raters}


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

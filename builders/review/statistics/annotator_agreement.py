"""How far annotators agree with each other.

`percent` and `alpha` are estimates for all rows that the sample was drawn from (`estimates`); the
calibration records are another sample of the same rows. Cohen's and Fleiss' kappas are of the
records as they are, from statsmodels. A figure is None if it is undefined: if no record has two
ratings, or if all ratings are the same, which leaves no agreement beyond chance to measure.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any, TypedDict

import numpy as np
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

from builders.review.statistics.design import Draw, Sample
from builders.review.statistics.estimates import alpha_of, share_of
from builders.review.statistics.intervals import Figure
from builders.review.statistics.krippendorff import LEVELS, alpha, coincidences
from builders.review.statistics.tables import Counts
from builders.review.verdicts import Ratings, Verdict, ratings_of, unassisted
from builders.rows.schema import BETTER, WEAKNESSES_REAL

WEIGHTS = (None, "linear", "quadratic")
_SCORES = tuple(range(1, 11))
# The possible answers in order, and the levels of measurement that this order allows: "tie" is
# between the two answers, and "some" between "all" and "none".
QUESTIONS: dict[str, tuple[tuple, tuple[str, ...]]] = {
    "better": ((BETTER[0], BETTER[2], BETTER[1]), ("nominal", "ordinal")),
    "draft_score": (_SCORES, LEVELS),
    "refinement_score": (_SCORES, LEVELS),
    "weaknesses_real": (WEAKNESSES_REAL, ("nominal", "ordinal")),
    "suggestions_actionable": ((False, True), ("nominal",)),
    "refinement_introduces_error": ((False, True), ("nominal",)),
}


class FleissFigure(TypedDict):
    """`records` with `raters` ratings each."""

    value: float | None
    records: int
    raters: int | None


class QuestionAgreement(TypedDict):
    """The agreement on one question.

    `records` counts those with two or more ratings, of which `percent` and `alpha` (by level of
    measurement) are. `cohen` is that of `cohen_by_pair`.
    """

    annotators: int
    ratings: int
    records: int
    percent: Figure
    cohen: dict[str, Any]
    fleiss: FleissFigure
    alpha: dict[str, Figure]


def between_annotators(verdicts: Sequence[Verdict]) -> dict[str, QuestionAgreement]:
    """The agreement on each question in unassisted verdicts, calibration records included."""
    counted = unassisted(verdicts)
    draws = {row["record"]: Draw.of(row) for row in counted}
    return {
        question: question_agreement(ratings_of(counted, question), values, levels, draws)
        for question, (values, levels) in QUESTIONS.items()
    }


def question_agreement(
    ratings: Ratings, values: Sequence, levels: Sequence[str], draws: Mapping[str, Draw]
) -> QuestionAgreement:
    """All figures of one question, whose possible answers are `values` in order.

    `draws` says how each record was drawn.
    """
    rated = {record: answers for record, answers in ratings.items() if len(answers) > 1}
    tables = coincidences(rated, values)
    numbers = np.arange(len(values)) if isinstance(values[0], str) else values
    sample = Sample.of([draws[record] for record in rated])
    owners, *cell = np.nonzero(tables)
    shape = (len(values), len(values))
    cells = np.ravel_multi_index(cell, shape)
    counts = Counts(owners, cells, tables[owners, *cell], shape, len(tables))
    same = np.trace(tables, axis1=1, axis2=2)
    return {
        "annotators": len({name for answers in ratings.values() for name in answers}),
        "ratings": sum(map(len, ratings.values())),
        "records": len(tables),
        "percent": share_of(sample, same, tables.sum(axis=(1, 2))),
        "cohen": cohen_by_pair(ratings, values),
        "fleiss": fleiss(ratings, values),
        "alpha": {
            level: alpha_of(sample, counts, partial(alpha, level=level, values=numbers))
            for level in levels
        },
    }


def observed_agreement(table: np.ndarray) -> float:
    """The share of a table of coincidences in which the two ratings are the same; NaN if empty."""
    total = table.sum()
    return float(np.trace(table) / total) if total else float("nan")


def cohen(
    pairs: Sequence[tuple[Any, Any]], values: Sequence, weights: str | None = None
) -> float | None:
    """Cohen's kappa of two annotators' answers to the same records.

    `weights`: None counts every difference as 1; `linear` and `quadratic` count how many places of
    `values` it spans.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights is {weights!r}, not one of {WEIGHTS}")
    place = {value: number for number, value in enumerate(values)}
    table = np.zeros((len(values), len(values)))
    for first, second in pairs:
        table[place[first], place[second]] += 1
    # With a single value, kappa is 0 / 0.
    if np.count_nonzero(table.sum(axis=0) + table.sum(axis=1)) < 2:
        return None
    return _finite(cohens_kappa(table, wt=weights, return_results=False))


def cohen_by_pair(ratings: Ratings, values: Sequence) -> dict[str, Any]:
    """Cohen's kappa of each pair of annotators with shared records, and the mean over the pairs.

    {unweighted, linear, quadratic, pairs: [{annotators, records, percent, unweighted, linear,
    quadratic}]}, without the weights if there are only two values. In the mean, a pair weighs as
    many records as it shares; if all pairs share the same records, it is Light's kappa.
    """
    shared: dict[tuple[str, str], list[tuple[Any, Any]]] = {}
    for answers in ratings.values():
        for first, second in combinations(sorted(answers), 2):
            shared.setdefault((first, second), []).append((answers[first], answers[second]))
    kinds = WEIGHTS if len(values) > 2 else WEIGHTS[:1]
    names = {weights or "unweighted": weights for weights in kinds}
    pairs = [
        {
            "annotators": list(annotators),
            "records": len(answers),
            "percent": sum(first == second for first, second in answers) / len(answers),
            **{name: cohen(answers, values, weights) for name, weights in names.items()},
        }
        for annotators, answers in sorted(shared.items())
    ]
    means = {}
    for name in names:
        known = [pair for pair in pairs if pair[name] is not None]
        records = sum(pair["records"] for pair in known)
        total = sum(pair[name] * pair["records"] for pair in known)
        means[name] = total / records if records else None
    return {**means, "pairs": pairs}


def fleiss(ratings: Ratings, values: Sequence) -> FleissFigure:
    """Fleiss' kappa, which needs the same number of ratings on each record.

    Computed from the records that have the most common number of ratings above one (the larger
    number if two are equally common).
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

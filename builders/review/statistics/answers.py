"""What people answered: which answer they prefer, and what they say of critique and refinement.

The answers are those that count for the model against people: unassisted, and on the sample. Shares
and means are estimates for all rows that the sample was drawn from. Each record counts once, by the
share of its people who gave an answer. Fewer than FEW records have counts only.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from builders.review.reviewable import ReviewableRow
from builders.review.statistics.design import Sample
from builders.review.statistics.estimates import mean_of, share_of, unless_few
from builders.review.statistics.intervals import Figure
from builders.review.statistics.model_agreement import BANDS, band
from builders.review.statistics.reviewed import ReviewedRecord, sample_of
from builders.review.verdicts import Verdict, unassisted

# The answers to each question, by their names in reports.
QUESTIONS: Mapping[str, Mapping[str, Any]] = {
    "better": {"refinement": "refinement", "tie": "tie", "draft": "draft"},
    "weaknesses_real": {"all": "all", "some": "some", "none": "none"},
    "suggestions_actionable": {"yes": True, "no": False},
    "refinement_introduces_error": {"yes": True, "no": False},
}
_SCORES = (1.0, 10.0)


class AnswerShares(TypedDict):
    """The answers to one question, by name: how many verdicts gave each, and its share.

    `records` counts those with an answer.
    """

    records: int
    verdicts: dict[str, int]
    shares: dict[str, Figure]


class Answers(TypedDict):
    """What people said. `questions` are QUESTIONS; `preferred` is "better", by group of rows.

    `scores` has the mean of people's scores of the draft and of the refinement.
    """

    questions: dict[str, AnswerShares]
    preferred_by_source: dict[str, AnswerShares]
    preferred_by_length: dict[str, AnswerShares]
    scores: dict[str, Figure]


class Contradictions(TypedDict):
    """In how many of `of` verdicts the better answer has the lower score."""

    count: int
    of: int


def answers_of(records: Sequence[ReviewedRecord]) -> Answers:
    """What people answered about the records of a sample."""
    sample, everything = sample_of(records), np.ones(len(records), bool)

    def preferred_by(
        key: Callable[[ReviewableRow], str], names: Iterable[str] = ()
    ) -> dict[str, AnswerShares]:
        groups = np.array([key(record.row) for record in records], dtype=object)
        return {
            name: _shares(records, sample, "better", groups == name)
            for name in names or sorted(set(groups))
        }

    return {
        "questions": {
            question: _shares(records, sample, question, everything) for question in QUESTIONS
        },
        "preferred_by_source": preferred_by(lambda row: row.source),
        "preferred_by_length": preferred_by(band, [name for name, _ in BANDS]),
        "scores": {
            answer: unless_few(_mean_score(records, sample, answer))
            for answer in ("draft", "refinement")
        },
    }


def _shares(
    records: Sequence[ReviewedRecord], sample: Sample, question: str, group: np.ndarray
) -> AnswerShares:
    """The answers on the records in `group`, a mask."""
    given = [
        [row[question] for row in record.verdicts if is_in and row[question] is not None]
        for record, is_in in zip(records, group, strict=True)
    ]
    answered = np.array([bool(answers) for answers in given], float)
    counts = Counter(answer for answers in given for answer in answers)
    return {
        "records": int(answered.sum()),
        "verdicts": {name: counts[value] for name, value in QUESTIONS[question].items()},
        "shares": {
            name: unless_few(
                share_of(
                    sample,
                    np.array([answers.count(value) / max(1, len(answers)) for answers in given]),
                    answered,
                )
            )
            for name, value in QUESTIONS[question].items()
        },
    }


def _mean_score(records: Sequence[ReviewedRecord], sample: Sample, answer: str) -> Figure:
    scores = [record.human_scores(answer) for record in records]
    means = np.array([sum(one) / len(one) if one else 0.0 for one in scores])
    return mean_of(sample, means, np.array([bool(one) for one in scores], float), _SCORES)


def contradictions(verdicts: Iterable[Verdict]) -> dict[str, Contradictions]:
    """By annotator, the unassisted verdicts whose better answer has the lower score.

    `of` counts those that choose an answer and score both.
    """
    found: dict[str, Contradictions] = {}
    for row in unassisted(verdicts):
        counts = found.setdefault(row["annotator"], {"count": 0, "of": 0})
        scores = {answer: row[f"{answer}_score"] for answer in ("draft", "refinement")}
        if row["better"] in scores and None not in scores.values():
            counts["of"] += 1
            counts["count"] += scores[row["better"]] < max(scores.values())
    return dict(sorted(found.items()))

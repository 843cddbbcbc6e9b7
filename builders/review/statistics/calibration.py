"""How a model's scores relate to people's: rank correlations, and people's answers by score."""

from collections.abc import Iterator, Sequence
from typing import TypedDict

import numpy as np

from builders.review.statistics.correlation import kendall, spearman
from builders.review.statistics.design import Sample
from builders.review.statistics.estimates import correlation_of, mean_of, share_of, unless_few
from builders.review.statistics.intervals import Figure
from builders.review.statistics.reviewed import ANSWERS, ReviewedRecord
from builders.review.statistics.tables import crossed


class ScoreCalibration(TypedDict):
    """People's scores of the answers that the model gave `score`.

    Each answer counts once: `human` is the mean over answers of people's mean score, `within_one`
    that of the share of their scores at most one away. `of` counts records.
    """

    score: int
    answers: int
    human: Figure
    within_one: Figure


class MarginPreference(TypedDict):
    """The share of people who prefer the refinement at a margin of the model's scores."""

    margin: int
    preferred: Figure


class Calibration(TypedDict):
    scores: list[ScoreCalibration]
    margins: list[MarginPreference]


def _scored_by_both(records: Sequence[ReviewedRecord]) -> Iterator[tuple[int, int, list[int]]]:
    """Each answer that the model and people scored: its record's number, and their scores."""
    for number, record in enumerate(records):
        for answer in ANSWERS:
            people, score = record.human_scores(answer), record.model_score(answer)
            if people and score is not None:
                yield number, score, people


def correlations(records: Sequence[ReviewedRecord], sample: Sample) -> dict[str, Figure]:
    """Spearman's and Kendall's (tau-b) correlation of scores, drafts and refinements together.

    Of each answer with both: the model's score and the mean of people's. `of` counts the records
    with such an answer.
    """
    owners, model, human = [], [], []
    for number, score, people in _scored_by_both(records):
        owners.append(number)
        model.append(score)
        human.append(sum(people) / len(people))
    counts = crossed(model, human, owners, len(records))
    return {
        "spearman": correlation_of(sample, counts, spearman),
        "kendall": correlation_of(sample, counts, kendall),
    }


def score_calibration(records: Sequence[ReviewedRecord], sample: Sample) -> list[ScoreCalibration]:
    """People's scores for each score of the model, 1 to 10; only counts below FEW records."""
    owners, model, means, near = [], [], [], []
    for number, score, people in _scored_by_both(records):
        owners.append(number)
        model.append(score)
        means.append(sum(people) / len(people))
        near.append(sum(abs(one - score) <= 1 for one in people) / len(people))
    places, scores = np.array(owners, int), np.array(model, int)

    def by_record(values: Sequence[float], score: int) -> np.ndarray:
        return np.bincount(places, values * (scores == score), len(records))

    found = []
    for score in range(1, 11):
        answers = by_record(np.ones(len(owners)), score)
        human = mean_of(sample, by_record(np.array(means), score), answers, (1.0, 10.0))
        within_one = share_of(sample, by_record(np.array(near), score), answers)
        found.append(
            {
                "score": score,
                "answers": int(answers.sum()),
                "human": unless_few(human),
                "within_one": unless_few(within_one),
            }
        )
    return found


def by_margin(records: Sequence[ReviewedRecord], sample: Sample) -> list[MarginPreference]:
    """People's preference for each margin of the model; only counts below FEW records.

    A person's tie counts as half, and each record once.
    """
    margins = np.array([np.nan if (m := record.row.margin) is None else m for record in records])
    preferred = np.full(len(records), np.nan)
    for number, record in enumerate(records):
        answers = [row["better"] for row in record.verdicts if row["better"] is not None]
        if answers:
            times = answers.count("refinement") + answers.count("tie") / 2
            preferred[number] = times / len(answers)
    known = ~np.isnan(margins) & ~np.isnan(preferred)
    shares = np.where(known, preferred, 0.0)
    found = []
    for margin in np.unique(margins[known]):
        once = (known & (margins == margin)).astype(float)
        figure = unless_few(share_of(sample, shares * once, once))
        found.append({"margin": int(margin), "preferred": figure})
    return found

"""How each annotator worked: figures without conclusions."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from statistics import median
from typing import TypedDict

import numpy as np

from builders.review.statistics.annotator_agreement import QUESTIONS
from builders.review.statistics.design import Draw, Sample
from builders.review.statistics.estimates import share_of
from builders.review.statistics.intervals import Figure
from builders.review.statistics.krippendorff import krippendorff_alpha
from builders.review.verdicts import Ratings, Verdict, ratings_of, unassisted


class OthersAgreement(TypedDict):
    value: float | None
    of: int


class StraightLining(TypedDict):
    """The most common of `of` answers, its share, and the longest run of identical answers."""

    of: int
    most_common: str | None
    share: float | None
    longest_run: int


class AnnotatorFigures(TypedDict):
    """One annotator's work. All except the first three counts are of unassisted verdicts.

    `alpha_without` is the nominal alpha of all other annotators on which answer is better;
    `straight_lining` is by question: choice, scores, weaknesses_real.
    """

    annotator: str
    submitted: int
    discarded: int
    assisted: int
    median_seconds: float | None
    straight_lining: dict[str, StraightLining]
    agreement: OthersAgreement
    alpha_without: float | None


def by_annotator(verdicts: Sequence[Verdict]) -> list[AnnotatorFigures]:
    """The figures of each annotator, sorted by pseudonym."""
    counted = unassisted(verdicts)
    ratings = ratings_of(counted, "better")
    blocks = []
    for name in sorted({row["annotator"] for row in verdicts}):
        own = [row for row in verdicts if row["annotator"] == name]
        blind = [row for row in counted if row["annotator"] == name]
        submitted = [row for row in own if row["status"] == "submitted"]
        others: Ratings = {
            record: {other: answer for other, answer in answers.items() if other != name}
            for record, answers in ratings.items()
        }
        blocks.append(
            {
                "annotator": name,
                "submitted": len(submitted),
                "discarded": len(own) - len(submitted),
                "assisted": sum(row["assisted"] for row in submitted),
                "median_seconds": _median_seconds(blind),
                "straight_lining": _straight_lining_by_question(blind),
                "agreement": agreement_with_others(ratings, name),
                "alpha_without": krippendorff_alpha(others, QUESTIONS["better"][0], "nominal"),
            }
        )
    return blocks


def _median_seconds(rows: Sequence[Verdict]) -> float | None:
    seconds = [row["seconds"] for row in rows if row["seconds"] is not None]
    return float(median(seconds)) if seconds else None


def _straight_lining_by_question(rows: Sequence[Verdict]) -> dict[str, StraightLining]:
    # The record decides between two verdicts of the same instant.
    ordered = sorted(rows, key=lambda row: (row["submitted_at"], row["record"]))
    return {
        "choice": straight_lining([shown_choice(row) for row in ordered]),
        "scores": straight_lining([shown_scores(row) for row in ordered]),
        "weaknesses_real": straight_lining([row["weaknesses_real"] for row in ordered]),
    }


def shown_choice(row: Verdict) -> str | None:
    """The better answer as the annotator saw it: `first`, `second` or `tie`."""
    better = row["better"]
    if better is None or better == "tie":
        return better
    return "first" if row["order"] == f"{better}_first" else "second"


def shown_scores(row: Verdict) -> str | None:
    """The two scores in the order in which the annotator saw the answers."""
    scores = [row["draft_score"], row["refinement_score"]]
    if None in scores:
        return None
    if row["order"] == "refinement_first":
        scores.reverse()
    return "{} and {}".format(*scores)


def first_shown(verdicts: Sequence[Verdict]) -> Figure:
    """How often the answer shown first was chosen; about half if the order does not matter."""
    counted = unassisted(verdicts)
    draws = {row["record"]: Draw.of(row) for row in counted}
    choices = Counter((row["record"], shown_choice(row)) for row in counted)
    first, second = (
        np.array([choices[record, place] for record in draws], float)
        for place in ("first", "second")
    )
    return share_of(Sample.of(list(draws.values())), first, first + second)


def straight_lining(answers: Sequence[str | None]) -> StraightLining:
    """How uniform an annotator's answers to one question are, in the order of submission.

    Missing answers are skipped.
    """
    known = [answer for answer in answers if answer is not None]
    if not known:
        return {"of": 0, "most_common": None, "share": None, "longest_run": 0}
    answer, times = min(Counter(known).items(), key=lambda item: (-item[1], item[0]))
    return {
        "of": len(known),
        "most_common": answer,
        "share": times / len(known),
        "longest_run": max(sum(1 for _ in run) for _, run in groupby(known)),
    }


def agreement_with_others(ratings: Ratings, name: str) -> OthersAgreement:
    """How often `name` gave the same answer as the others, of how many records.

    Each record counts once, by the share of its other annotators who agree.
    """
    shares = []
    for answers in ratings.values():
        others = [answer for other, answer in answers.items() if other != name]
        if name in answers and others:
            shares.append(others.count(answers[name]) / len(others))
    return {"value": sum(shares) / len(shares) if shares else None, "of": len(shares)}

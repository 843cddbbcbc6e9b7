"""Measures a model's drafts, critiques and refinements on problems with known answers.

Reads the ledger of a run over verifiable problems that the model was not trained on. Shares have
Wilson's 95% interval; means and rank correlations have bootstrap intervals.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from builders.review.statistics.correlation import spearman
from builders.review.statistics.intervals import Figure, bootstrapped, share, weighted_mean
from builders.review.statistics.tables import crossed
from builders.verifiable.registry import check

# The lowest score of a correct answer in the rubric (builders/verifiable/rubric.py).
_CORRECT = 7


@dataclass(frozen=True)
class JudgedRow:
    """A row compared with the known answer. `critique_score` is None without a valid critique."""

    draft_right: bool
    draft_score: int  # the rubric's
    critique_score: int | None
    refinement_right: bool
    draft_characters: int
    refinement_characters: int


def judge(row: Mapping[str, Any]) -> JudgedRow:
    """Check a ledger row that has a task.

    The refinement is the model's final answer, which is the draft if it has no valid refinement.
    """
    draft = row["draft"] or ""
    final = row["refinement"] if row["refinement"] is not None else draft
    checked = check(row["task"], draft)
    critique = row["critique"] or {}
    return JudgedRow(
        checked.correct,
        checked.score,
        critique.get("score"),
        check(row["task"], final).correct,
        len(draft),
        len(final),
    )


def measure(rows: Iterable[Mapping[str, Any]]) -> dict[str, Figure]:
    """Figures over the rows of a run, by name.

    `critique_valid`: the reply has weaknesses, suggestions, one score and a refinement.
    `score_right`: the score is at least 7 if and only if the draft is correct; a missing score
    is wrong.
    `score_correlation`: Spearman's rho of the critique's score and the rubric's.
    `draft_right`, `refinement_right`: the answer is correct; a missing answer is wrong.
    """
    # Instructions that the model was trained on were not sent to it.
    held_out = (row for row in rows if row["task"] is not None and row["reason"] != "trained_on")
    judged = [judge(row) for row in held_out]
    scored = [one for one in judged if one.critique_score is not None]
    scores = crossed(
        [one.critique_score for one in scored],
        [one.draft_score for one in scored],
        range(len(scored)),
        len(scored),
    )

    def share_of(holds: Callable[[JudgedRow], bool]) -> Figure:
        return share(sum(map(holds, judged)), len(judged))

    def mean_of(characters: Callable[[JudgedRow], int]) -> Figure:
        values = np.array([characters(one) for one in judged], float)
        return bootstrapped(weighted_mean(values), np.ones(len(values)))

    return {
        "critique_valid": share_of(lambda one: one.critique_score is not None),
        "score_right": share_of(
            lambda one: (
                one.critique_score is not None
                and (one.critique_score >= _CORRECT) == one.draft_right
            )
        ),
        "score_correlation": bootstrapped(
            lambda weights: float(spearman(scores.table(weights))), np.ones(len(scored))
        ),
        "draft_right": share_of(lambda one: one.draft_right),
        "refinement_right": share_of(lambda one: one.refinement_right),
        "draft_characters": mean_of(lambda one: one.draft_characters),
        "refinement_characters": mean_of(lambda one: one.refinement_characters),
    }


def with_interval(figure: Figure, value: str = ".1%", ends: str = ".0%") -> str:
    """The figure and its interval in these formats, such as "96.8% (93%–99%)"."""
    if figure["value"] is None:
        return "–"
    return f"{figure['value']:{value}} ({figure['low']:{ends}}–{figure['high']:{ends}})"

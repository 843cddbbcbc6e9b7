"""What a model's drafts, critiques and refinements are worth, where the truth can be computed.

Read off the ledger of a run over verifiable problems that the model was not trained on. Shares
come with Wilson's 95 % interval, means and rank correlations with a bootstrap's.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from scipy.stats import binomtest, spearmanr

from builders.verifiable.registry import check

_RESAMPLES = 1000
# From this score on the rubric calls an answer right (builders/verifiable/rubric.py).
RIGHT = 7


@dataclass(frozen=True)
class Judged:
    """One row beside the truth. `critique_score` is None where the review could not be read."""

    draft_right: bool
    draft_score: int  # the rubric's
    critique_score: int | None
    refinement_right: bool
    draft_characters: int
    refinement_characters: int


def judge(row: Mapping[str, Any]) -> Judged:
    """A ledger row that has a task, by the program that knows its answer.

    The refinement is the model's final answer: the draft itself where no refinement can be read.
    """
    draft = row["draft"] or ""
    final = row["refinement"] if row["refinement"] is not None else draft
    of_draft = check(row["task"], draft)
    critique = row["critique"] or {}
    return Judged(
        of_draft.correct,
        of_draft.score,
        critique.get("score"),
        check(row["task"], final).correct,
        len(draft),
        len(final),
    )


def measure(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Figures over a run's rows: {name: {value, low, high, of}}, `of` being how many rows count.

    `critique_valid`: the reply has weaknesses, suggestions, one score and a refinement.
    `score_right`: it is at least 7 exactly for right drafts; a missing one is wrong.
    `score_correlation`: Spearman's, of the score with the rubric's, where there is one.
    `draft_right`, `refinement_right`: the answer is right; a missing one is wrong.
    """
    judged = [judge(row) for row in rows if row["task"] is not None and _held_out(row)]
    scored = [one for one in judged if one.critique_score is not None]

    def share(holds: Callable[[Judged], bool]) -> dict[str, Any]:
        return _share(sum(map(holds, judged)), len(judged))

    return {
        "critique_valid": share(lambda one: one.critique_score is not None),
        "score_right": share(
            lambda one: (
                one.critique_score is not None and (one.critique_score >= RIGHT) == one.draft_right
            )
        ),
        "score_correlation": _bootstrapped(_correlation, scored),
        "draft_right": share(lambda one: one.draft_right),
        "refinement_right": share(lambda one: one.refinement_right),
        "draft_characters": _bootstrapped(
            lambda some: fmean(one.draft_characters for one in some), judged
        ),
        "refinement_characters": _bootstrapped(
            lambda some: fmean(one.refinement_characters for one in some), judged
        ),
    }


def _held_out(row: Mapping[str, Any]) -> bool:
    """Whether the model was asked at all: what it was trained on, it was not."""
    return row["reason"] != "trained_on"


def _share(hits: int, of: int) -> dict[str, Any]:
    if not of:
        return {"value": None, "low": None, "high": None, "of": 0}
    interval = binomtest(hits, of).proportion_ci(method="wilson")
    return {"value": hits / of, "low": interval.low, "high": interval.high, "of": of}


def _correlation(some: Sequence[Judged]) -> float | None:
    given = [one.critique_score for one in some]
    truth = [one.draft_score for one in some]
    if len(set(given)) < 2 or len(set(truth)) < 2:
        return None
    return float(spearmanr(given, truth).statistic)


def _bootstrapped(
    statistic: Callable[[Sequence[Judged]], float | None], judged: Sequence[Judged]
) -> dict[str, Any]:
    """The statistic, and its percentiles over resamples drawn with a fixed seed."""
    value = statistic(judged) if judged else None
    if value is None:
        return {"value": None, "low": None, "high": None, "of": len(judged)}
    chance = random.Random(0)  # noqa: S311
    drawn = (statistic(chance.choices(judged, k=len(judged))) for _ in range(_RESAMPLES))
    found = sorted(one for one in drawn if one is not None)
    low, high = found[int(0.025 * len(found))], found[int(0.975 * len(found))]
    return {"value": value, "low": low, "high": high, "of": len(judged)}

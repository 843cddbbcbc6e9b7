"""The summary of the verdicts on a row."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from builders.review.verdicts import Verdict, one_vote_each


def human_verdict(verdicts: Iterable[Verdict]) -> dict[str, Any] | None:
    """The `human_verdict` of a row in `feedback`; None if no verdict on it counts.

    A person has one vote; a later verdict of theirs replaces an earlier one.
    """
    counted = one_vote_each(verdicts)
    if not counted:
        return None
    answers = Counter(row["better"] for row in counted if row["better"] is not None)
    better, times = max(answers.items(), key=lambda item: item[1], default=(None, 0))
    return {
        "verdicts": len(counted),
        "better": better if 2 * times > answers.total() else None,
        **{key: _mean(row[key] for row in counted) for key in ("draft_score", "refinement_score")},
    }


def _mean(scores: Iterable[int | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return sum(known) / len(known) if known else None

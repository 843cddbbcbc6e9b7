"""The paper's two rules for keeping a row (arXiv 2406.07168, section 3.2), each with its reason.

1. Weaknesses, suggestions and score are all present.
2. The refinement scores no lower than the draft, both scored independently (section 4.1; section
   3.2 says it must exceed, which is `min_margin: 1`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builders.parse import Review


@dataclass(frozen=True)
class Filters:
    """`min_margin` is how many points the refinement must gain over the draft to be kept.

    `keep_no_change` keeps rows whose critic found nothing to change: they teach a model to
    leave a good answer alone, and the paper's first rule drops them. `keep_truncated_drafts`
    keeps drafts that reached the token limit: training on them teaches to stop in the middle.
    """

    min_margin: int = 0
    keep_no_change: bool = False
    keep_truncated_drafts: bool = False


def incomplete(review: Review, filters: Filters) -> str | None:
    """Rule 1: the reason to drop a review before its scores are paid for, or None."""
    if review.score_problem:
        return review.score_problem
    if review.no_change:
        return None if filters.keep_no_change else "no_change"
    if not review.critique.weaknesses:
        return "weaknesses_empty"
    if not review.critique.suggestions:
        return "suggestions_empty"
    return None


def too_low(row: Mapping[str, Any], filters: Filters) -> str | None:
    """Rule 2: the reason to drop a ledger row for its independent scores, or None."""
    for part in ("draft", "refinement"):
        if row[f"{part}_score"] is None:
            return f"{part}_score_missing"
    if row["refinement"] == row["draft"]:
        return None
    gain = row["refinement_score"] - row["draft_score"]
    return None if gain >= filters.min_margin else "margin"

"""Scorers of a row: the first one decides, the others are controls. How far two of them agree."""

from collections.abc import Mapping
from typing import Any

MOST_SCORERS = 3


def score_step(part: str, number: int) -> str:
    """The step of a scorer's calls, by its place in the recipe from 1 on.

    >>> score_step("draft", 1), score_step("refinement", 2)
    ('score_draft', 'score_refinement_2')
    """
    return f"score_{part}" if number == 1 else f"score_{part}_{number}"


def margin_of(scores: Mapping[str, Any]) -> int | None:
    """The refinement's score minus the draft's; None if one is missing."""
    draft, refinement = scores["draft_score"], scores["refinement_score"]
    return None if draft is None or refinement is None else refinement - draft


def same_sign(margin: int, other: int) -> bool:
    """Whether two margins prefer the same answer, or both none.

    >>> same_sign(1, 4), same_sign(0, 0), same_sign(2, 0), same_sign(-1, 3)
    (True, True, False, False)
    """
    return (margin > 0) - (margin < 0) == (other > 0) - (other < 0)

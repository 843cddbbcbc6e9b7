"""The paper's two rules for keeping a row (arXiv 2406.07168, section 3.2), and two of ours.

1. Weaknesses, suggestions and score are all present.
2. The refinement scores no lower than the draft, both scored independently (section 4.1;
   section 3.2 requires a higher score, which is `min_margin: 1`).
3. If the recipe says so, other scorers agree on which answer is better.
4. Of several drafts of an instruction, one is kept, unless the recipe says `keep: all`.
"""

from collections.abc import Sequence
from itertools import groupby

from builders.critique.parse import ParsedReply
from builders.rows import Row
from builders.rows.ids import instruction_id
from builders.rows.scorers import margin_of, same_sign
from builders.settings import FilterSettings


def reason_incomplete(reply: ParsedReply, filters: FilterSettings) -> str | None:
    """Rule 1: the reason to drop a row before its independent scores are paid for, or None."""
    if reply.score_problem:
        return reply.score_problem
    if reply.no_change:
        return None if filters.keep_no_change else "no_change"
    if not reply.critique.weaknesses:
        return "weaknesses_empty"
    if not reply.critique.suggestions:
        return "suggestions_empty"
    return None


def reason_too_low(row: Row, filters: FilterSettings) -> str | None:
    """Rule 2: the reason to drop a ledger row because of its independent scores, or None."""
    for part in ("draft", "refinement"):
        if row[f"{part}_score"] is None:
            return f"{part}_score_missing"
    if row["refinement"] == row["draft"]:
        return None
    return None if margin_of(row) >= filters.min_margin else "margin"


def reason_disagreeing(row: Row) -> str | None:
    """Rule 3: the reason to drop a scored row, or None; a score that is missing is no objection."""
    others = (margin_of(control) for control in row["control_scores"])
    agree = all(same_sign(margin_of(row), other) for other in others if other is not None)
    return None if agree else "scorers_disagree"


def drop_all_but_best(rows: Sequence[Row]) -> None:
    """Rule 4: of the rows of each instruction, which follow each other, leave one undropped.

    It is the one with the greatest margin; of several, the one whose refinement has the highest
    score, and then the first one.
    """
    for _, candidates in groupby(rows, key=lambda row: instruction_id(row["id"])):
        undropped = [row for row in candidates if row["reason"] is None]
        if len(undropped) < 2:
            continue
        best = max(undropped, key=lambda row: (margin_of(row), row["refinement_score"]))
        for row in undropped:
            if row is not best:
                detail = f"{best['id']} is kept, with a margin of {margin_of(best)}"
                row.update(reason="not_best_sample", detail=detail)

"""Conversations that a model of a few thousand weights reads in no time."""

from tests.ledger_rows import kept_rows


def short_rows(count):
    """Kept ledger rows, shorter than others."""
    for row in kept_rows(count):
        critique = {
            "weaknesses": row["critique"]["weaknesses"][:1],
            "suggestions": row["critique"]["suggestions"][:1],
            "score": row["draft_score"],
        }
        yield {
            **row,
            "draft": row["draft"][:80],
            "refinement": row["refinement"][:120],
            "critique": critique,
            "draft_assessment": critique,
            "refinement_assessment": {**critique, "score": row["refinement_score"]},
        }

"""Short conversations for a tiny model."""

from tests.ledger_rows import kept_rows


def short_rows(count):
    """Kept ledger rows with short texts."""
    for number, row in enumerate(kept_rows(count)):
        # Draft and refinement take turns in being longer.
        draft, refinement = (80, 120) if number % 2 else (120, 80)
        critique = {
            "weaknesses": row["critique"]["weaknesses"][:1],
            "suggestions": row["critique"]["suggestions"][:1],
            "score": row["draft_score"],
        }
        yield {
            **row,
            "draft": row["draft"][:draft],
            "refinement": row["refinement"][:refinement],
            "critique": critique,
            "draft_assessment": critique,
            "refinement_assessment": {**critique, "score": row["refinement_score"]},
        }

"""Verdicts as a review session leaves them, for tests: simulated people, drawn by chance."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

_START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def verdict_row(number: int = 0, **columns: Any) -> dict[str, Any]:
    """Verdict `number`, valid; `columns` replace what it has. The draft is shown first."""
    started = _START + timedelta(minutes=number)
    return {
        "id": f"row-{number}",
        "record": f"record-{number}",
        "annotator": "a1",
        "order": "draft_first",
        "better": "refinement",
        "draft_score": 4,
        "refinement_score": 8,
        "weaknesses_real": "all",
        "suggestions_actionable": True,
        "refinement_introduces_error": False,
        "corrected_critique": None,
        "corrected_refinement": None,
        "assisted": False,
        "calibration": False,
        "inclusion_probability": 0.5,
        "stratum": "all",
        "stratum_rows": 400,
        "status": "submitted",
        "started_at": started,
        "submitted_at": started + timedelta(seconds=40),
        "seconds": 40.0,
        **columns,
    }


def verdict_rows(
    rows: Sequence[Mapping[str, Any]], annotators: Sequence[str], seed: int = 0
) -> list[dict[str, Any]]:
    """A verdict of each annotator on each ledger row, who mostly follow the row's scores."""
    chance, found = random.Random(seed), []
    for number, row in enumerate(rows):
        for name in annotators:
            draft, refinement = (
                min(10, max(1, row[f"{part}_score"] + chance.randint(-2, 2)))
                for part in ("draft", "refinement")
            )
            better = "tie" if draft == refinement else "draft"
            found.append(
                verdict_row(
                    number,
                    id=row["id"],
                    annotator=name,
                    order=chance.choice(("draft_first", "refinement_first")),
                    better="refinement" if refinement > draft else better,
                    draft_score=draft,
                    refinement_score=refinement,
                    weaknesses_real=chance.choice(("all", "some", "none")),
                    seconds=chance.uniform(10, 200),
                )
            )
    return found

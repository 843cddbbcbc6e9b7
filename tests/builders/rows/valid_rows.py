"""A valid row of each table, for tests that break it."""

import copy
from typing import Any

from builders.rows import Row
from builders.rows.row_type import RowType
from builders.rows.schema import (
    CORRECTION_ROWS,
    DRAWN_ROWS,
    FEEDBACK_ROWS,
    KTO_ROWS,
    LEDGER_ROWS,
    PREFERENCE_ROWS,
    SFT_ROWS,
    VERDICT_ROWS,
)
from tests.ledger_rows import kept_rows
from tests.verdict_rows import verdict_row

ROW_TYPES = (
    LEDGER_ROWS,
    FEEDBACK_ROWS,
    SFT_ROWS,
    KTO_ROWS,
    PREFERENCE_ROWS,
    VERDICT_ROWS,
    DRAWN_ROWS,
    CORRECTION_ROWS,
)
HISTORY = [
    {"role": "user", "content": "Which museum has the Mona Lisa?"},
    {"role": "assistant", "content": "The Louvre."},
]
_QUESTION = {"role": "user", "content": "Where is it?"}
_SCORED = {"weaknesses": ["It is vague."], "suggestions": ["Name the city."], "score": 4}


def _ledger_row() -> Row:
    (row,) = kept_rows(1)
    row |= {"history": HISTORY, "criteria": "It names the city."}
    row["calls"][0] |= {"reasoning": "They mean Paris.", "tokens_reasoning": 4, "failures": ["429"]}
    row["calls"][1]["system"] = "Judge as a geographer."
    return row


_ROWS: dict[str, Row] = {
    "ledger": _ledger_row(),
    "corrections": {"corrects": "a1", **_ledger_row()},
    "feedback": {
        "id": "a1",
        "instruction": "Where is it?",
        "draft": "In a city.",
        "critique": _SCORED,
        "refinement": "In Paris.",
        "draft_score": 4,
        "refinement_score": 9,
        "control_scores": [
            {"model": "d", "draft_score": 4, "refinement_score": None, "detail": "no score"}
        ],
        "system": None,
        "history": HISTORY,
        "criteria": "It names the city.",
        "task": None,
        "source": "s",
        "license": "mit",
        "draft_model": "m",
        "critic_model": "c",
        "critique_template": None,
        "human_verdict": {
            "verdicts": 3,
            "better": "refinement",
            "draft_score": 4.5,
            "refinement_score": None,
        },
    },
    "sft": {
        "id": "a1",
        "turn": "draft",
        "prompt": [*HISTORY, _QUESTION],
        "completion": [{"role": "assistant", "content": "In a city."}],
    },
    "kto": {
        "id": "a1",
        "turn": "refinement",
        "prompt": [*HISTORY, _QUESTION],
        "completion": [{"role": "assistant", "content": "In Paris."}],
        "label": True,
        "score": 9,
    },
    "preferences": {
        "id": "a1",
        "prompt": [{"role": "system", "content": "Be brief."}, _QUESTION],
        "chosen": [{"role": "assistant", "content": "In Paris."}],
        "rejected": [{"role": "assistant", "content": "In a city."}],
        "chosen_score": 9,
        "rejected_score": 4,
        "margin": 5,
        "task": None,
        "source": "s",
        "license": "mit",
        "draft_model": "m",
        "critic_model": "c",
    },
    "verdicts": verdict_row(),
    "drawn": {
        "record": "r1",
        "id": "a1",
        "order": "draft_first",
        "stratum": "all",
        "stratum_rows": 400,
        "inclusion_probability": 0.5,
        "calibration": False,
    },
}


def valid_row(rows: RowType, **columns: Any) -> Row:
    """A valid row; `columns` replace what it has."""
    return {**copy.deepcopy(_ROWS[rows.name]), **columns}

"""What a verdict may say, and what its validator refuses."""

from datetime import UTC, datetime

import pytest

from builders.rows import InvalidRow
from builders.rows.schema import VERDICTS, validate_verdict_row
from tests.verdict_rows import verdict_row

LATER = datetime(2030, 1, 1, tzinfo=UTC)


def test_verdicts_that_are_good():
    assert verdict_row().keys() == VERDICTS.keys()
    nothing = dict.fromkeys(
        ("better", "draft_score", "refinement_score", "weaknesses_real", "suggestions_actionable")
    )
    discarded = {"status": "discarded", "started_at": None, "submitted_at": None, "seconds": None}
    for columns in ({}, nothing, {**nothing, **discarded}, {"inclusion_probability": 1.0}):
        validate_verdict_row(verdict_row(**columns))


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"annotator": " "}, "annotator is blank"),
        ({"id": None}, "id is NoneType"),
        ({"order": None}, "order"),
        ({"better": "A"}, "better"),
        ({"better": ["draft"]}, "better"),
        ({"draft_score": 11}, "outside 1 to 10"),
        ({"draft_score": 7.9}, "not a whole number"),
        ({"weaknesses_real": "most"}, "weaknesses_real"),
        ({"suggestions_actionable": "yes"}, "suggestions_actionable"),
        ({"assisted": None}, "assisted"),
        ({"calibration": 1}, "calibration"),
        ({"inclusion_probability": 0.0}, "inclusion_probability"),
        ({"inclusion_probability": 1.5}, "inclusion_probability"),
        ({"inclusion_probability": float("nan")}, "inclusion_probability"),
        ({"status": "draft"}, "status"),
        ({"submitted_at": None}, "submitted_at is missing"),
        ({"submitted_at": datetime(2026, 1, 1)}, "zone"),
        ({"started_at": LATER}, "later"),
        ({"seconds": -1.0}, "seconds"),
        ({"seconds": float("inf")}, "seconds"),
        ({"corrected_critique": "\ud800"}, "surrogate"),
        ({"extra": 1}, "unknown keys"),
    ],
)
def test_verdicts_that_are_refused(columns, says):
    with pytest.raises(InvalidRow, match=says):
        validate_verdict_row(verdict_row(**columns))

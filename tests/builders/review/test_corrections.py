"""What people corrected becomes ledger rows, with the reason where it cannot."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.review.corrections import corrections
from builders.rows.ids import sample_id
from builders.rows.schema import LEDGER, validate_ledger_row
from tests.ledger_rows import ledger_row
from tests.verdict_rows import verdict_row

ORIGINAL = ledger_row(9, reason=None)
ORIGINALS = {ORIGINAL["id"]: ORIGINAL}
CRITIQUE = "Weaknesses:\n1. It is wrong.\n2. Too long.\n\nSuggestions:\n- Say <b>why</b>."


def corrected(**columns):
    verdict = verdict_row(id=ORIGINAL["id"], **columns)
    (row,) = corrections([verdict], ORIGINALS)
    assert row.pop("corrects") == ORIGINAL["id"]
    assert row.keys() == LEDGER.keys()
    return row


def test_a_corrected_critique_and_refinement_make_a_kept_row():
    row = corrected(corrected_critique=CRITIQUE, corrected_refinement="Better.\n", annotator="a-7")
    assert (row["status"], row["source"], row["refinement"]) == ("kept", "human", "Better.")
    assert row["critique"] == {
        "weaknesses": ["It is wrong.", "Too long."],
        "suggestions": ["Say <b>why</b>."],
        "score": 4,
    }
    assert (row["draft_score"], row["refinement_score"]) == (4, 8)
    assert row["refinement_assessment"] == {"weaknesses": [], "suggestions": [], "score": 8}
    for name in ("instruction", "draft", "license", "system", "task"):
        assert row[name] == ORIGINAL[name]
    assert row["detail"] == f"corrects {ORIGINAL['id']}"
    (call,) = row["calls"]
    assert (call["step"], call["model"], call["endpoint"]) == ("critique", "a-7", "human")
    assert row["id"] != ORIGINAL["id"]
    assert len(row["id"]) == 16


def test_corrections_of_several_drafts_have_ids_that_end_like_theirs():
    drafts = [{**ORIGINAL, "id": sample_id(ORIGINAL["id"], number)} for number in (1, 2)]
    verdicts = [verdict_row(id=row["id"], corrected_refinement="Better.") for row in drafts]
    first, second = corrections(verdicts, {row["id"]: row for row in drafts})
    assert second["id"] == sample_id(first["id"], 2)


def test_what_was_not_corrected_is_the_originals():
    only_critique = corrected(corrected_critique=CRITIQUE)
    assert only_critique["refinement"] == ORIGINAL["refinement"]
    only_refinement = corrected(corrected_refinement="Better.")
    assert only_refinement["critique"] == {**ORIGINAL["critique"], "score": 4}
    assert only_refinement["critic_reply"] is None


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"corrected_critique": "It is fine."}, "headings_missing"),
        ({"corrected_critique": "Weaknesses:\n1. Wrong."}, "suggestions_missing"),
        ({"corrected_critique": "Suggestions: less\n"}, "weaknesses_missing"),
        ({"corrected_critique": f"{CRITIQUE}\n\nImproved Response:\nx"}, "sections_ambiguous"),
        ({"corrected_critique": f"{CRITIQUE}\n\nWeaknesses:\n1. y"}, "sections_ambiguous"),
        ({"corrected_refinement": ORIGINAL["draft"]}, "no_change"),
        ({"corrected_refinement": "x", "draft_score": None}, "draft_score_missing"),
        ({"corrected_refinement": "x", "refinement_score": None}, "refinement_score_missing"),
    ],
)
def test_what_cannot_be_used_is_dropped_with_the_reason(columns, reason):
    row = corrected(**columns)
    assert (row["status"], row["reason"]) == ("dropped", reason)


def test_the_latest_submission_counts():
    times = [datetime(2026, 3, 2, tzinfo=UTC) + timedelta(days=day) for day in (0, 2, 1, 3, 4)]
    verdicts = [
        verdict_row(id=ORIGINAL["id"], annotator=f"a-{number}", submitted_at=time, started_at=None,
                    corrected_refinement=f"Text {number}.")
        for number, time in enumerate(times)
    ]  # fmt: skip
    verdicts[3]["status"] = "discarded"
    verdicts[4]["corrected_refinement"] = None
    (row,) = corrections(verdicts, ORIGINALS)
    assert row["refinement"] == "Text 1."


def test_two_originals_of_one_instruction_are_two_rows():
    other = {**ORIGINAL, "id": "other", "source": "elsewhere"}
    verdicts = [
        verdict_row(number, id=row_id, corrected_refinement="Better.")
        for number, row_id in enumerate((ORIGINAL["id"], "other"))
    ]
    rows = corrections(verdicts, {**ORIGINALS, "other": other})
    assert len({row["id"] for row in rows}) == 2
    assert corrections([verdict_row()], {}) == []


@settings(max_examples=60)
@given(
    st.one_of(st.none(), st.text(), st.text().map(lambda text: f"{CRITIQUE}\n{text}")),
    st.one_of(st.none(), st.text()),
    st.one_of(st.none(), st.integers(1, 10)),
)
def test_any_text_makes_a_valid_row_or_none(critique, refinement, score):
    blank = {"corrected_critique": critique or None, "corrected_refinement": refinement or None}
    for row in corrections([verdict_row(id=ORIGINAL["id"], draft_score=score, **blank)], ORIGINALS):
        row.pop("corrects")
        validate_ledger_row(row)

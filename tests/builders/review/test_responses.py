"""Responses become verdicts: answers, times, edits, and texts that were left unchanged."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.review.record import CHOICES, QUESTIONS, critique_heading, critique_text, letters
from builders.review.responses import (
    answers_of,
    is_verdict,
    verdict_of,
    with_seconds,
    with_texts,
    without_unchanged_texts,
)
from builders.rows import InvalidRow
from builders.rows.schema import ORDERS, validate_verdict_row
from tests.ledger_rows import ledger_row
from tests.verdict_rows import verdict_row

DRAWN = {
    "record": "k",
    "id": "x",
    "order": "refinement_first",
    "stratum": "all",
    "stratum_rows": 4,
    "inclusion_probability": 0.25,
    "calibration": True,
}
T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
VALUES = {"better": "A", "score_a": 8, "score_b": 4, "weaknesses_real": "all"}


def response(status="submitted", values=VALUES, inserted=T0, updated=T0):
    return SimpleNamespace(status=status, values=values, inserted_at=inserted, updated_at=updated)


def read(response, previous=None):
    return verdict_of(response, DRAWN, annotator="a-1", assisted=False, previous=previous)


def test_a_response_is_read_by_what_was_drawn():
    verdict = read(response())
    assert verdict["better"] == "refinement"
    assert (verdict["draft_score"], verdict["refinement_score"]) == (4, 8)
    assert (verdict["id"], verdict["record"], verdict["annotator"]) == ("x", "k", "a-1")
    assert (verdict["inclusion_probability"], verdict["calibration"]) == (0.25, True)
    assert (verdict["stratum"], verdict["stratum_rows"]) == ("all", 4)
    assert (verdict["submitted_at"], verdict["started_at"], verdict["seconds"]) == (T0, None, None)


def test_a_draft_is_no_verdict_and_a_discarded_one_may_say_nothing():
    assert [is_verdict(response(status)) for status in ("submitted", "discarded", "draft")] == [
        True,
        True,
        False,
    ]
    assert read(response("discarded", {}))["better"] is None
    assert read(response("discarded", {"score_a": 3}))["refinement_score"] == 3


def test_a_saved_draft_says_when_it_was_begun_and_an_edit_does_not():
    later = T0 + timedelta(minutes=3)
    saved_first = read(response(updated=later))
    assert (saved_first["started_at"], saved_first["submitted_at"]) == (T0, later)
    at_once = read(response())
    edited = read(response(updated=later), at_once)
    assert (edited["started_at"], edited["submitted_at"]) == (None, later)
    again = read(response(updated=later), saved_first)
    assert again["started_at"] == T0


def test_a_response_that_answers_something_else_is_refused():
    with pytest.raises(InvalidRow, match="draft_score is 11"):
        read(response(values={"score_b": 11}))
    with pytest.raises(InvalidRow, match="better is 'C'"):
        read(response(values={"better": "C"}))


def test_seconds_are_since_the_same_annotators_one_before():
    at = {"a": 0, "b": 40, "c": 40 + 1800, "d": 1841 + 1800}
    rows = [
        verdict_row(record=name, annotator=who, started_at=None, seconds=7.0,
                    submitted_at=T0 + timedelta(seconds=after + offset))
        for name, after in at.items()
        for who, offset in (("ann", 0), ("bob", 5))
    ]  # fmt: skip
    found = {(row["annotator"], row["record"]): row["seconds"] for row in with_seconds(rows[::-1])}
    for who in ("ann", "bob"):
        assert [found[who, name] for name in at] == [None, 40.0, 1800.0, None]
    assert with_seconds([]) == []


def test_a_text_left_as_it_was_offered_is_no_correction():
    original = ledger_row(3, reason=None)
    offered = {
        "corrected_critique": critique_text(original["critique"]) + "\r\n",
        "corrected_refinement": f" {original['refinement']}",
    }
    same = verdict_row(id=original["id"], **offered)
    copies = [
        {**same, "corrected_critique": f"{heading}\n\n{offered['corrected_critique']}"}
        for heading in (critique_heading("B"), "Of answer A")
    ]
    changed = {**same, "corrected_refinement": "Another answer."}
    untouched = verdict_row(id="other", corrected_critique=None)
    originals = {original["id"]: original}
    assert with_texts([same, untouched]) == {original["id"]}
    found = without_unchanged_texts([same, *copies, changed, untouched], originals)
    texts = [(row["corrected_critique"], row["corrected_refinement"]) for row in found]
    assert texts == [*[(None, None)] * 3, (None, "Another answer."), (None, None)]


@pytest.mark.parametrize("order", ORDERS)
def test_answers_are_of_the_draft_and_the_refinement(order):
    letter = letters(order)
    values = {
        "better": letter["refinement"],
        f"score_{letter['draft'].lower()}": 3,
        f"score_{letter['refinement'].lower()}": 9,
        "weaknesses_real": "some",
        "suggestions_actionable": "yes",
        "refinement_introduces_error": "no",
        "corrected_critique": "Weaknesses:\n1. Wrong.",
        "corrected_refinement": " \n",
    }
    answers = answers_of(values, order)
    assert answers == {
        "better": "refinement",
        "draft_score": 3,
        "refinement_score": 9,
        "weaknesses_real": "some",
        "suggestions_actionable": True,
        "refinement_introduces_error": False,
        "corrected_critique": "Weaknesses:\n1. Wrong.",
        "corrected_refinement": None,
    }
    validate_verdict_row(verdict_row(**answers))


@pytest.mark.parametrize("order", ORDERS)
def test_without_values_nothing_was_answered(order):
    assert set(answers_of({}, order).values()) == {None}


@settings(max_examples=50)
@given(st.sampled_from(ORDERS), st.sampled_from(CHOICES))
def test_a_choice_is_read_by_what_was_shown(order, choice):
    better = answers_of({"better": choice}, order)["better"]
    assert choice == {**letters(order), "tie": "tie"}[better]


ANSWERS = st.one_of(st.text(), st.integers(), st.booleans(), st.lists(st.text()), st.none())


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(QUESTIONS), ANSWERS))
def test_unknown_answers_are_left_for_the_validator(values):
    answers_of(values, "draft_first")

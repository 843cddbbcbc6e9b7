"""Responses as a server tells them become verdicts: times, edits, texts that changed nothing."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from builders.review.pseudonyms import KEY, pseudonym, read_key
from builders.review.record import critique_text
from builders.review.verdicts import (
    Asked,
    corrected,
    is_verdict,
    verdict_of,
    with_seconds,
    without_copies,
)
from builders.schema import InvalidRow
from tests.ledger_rows import ledger_row
from tests.verdict_rows import verdict_row

DRAWN = {
    "record": "k",
    "id": "x",
    "order": "refinement_first",
    "stratum": "all",
    "inclusion_probability": 0.25,
    "calibration": True,
}
T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
VALUES = {"better": "A", "score_a": 8, "score_b": 4, "weaknesses_real": "all"}


def response(status="submitted", values=VALUES, inserted=T0, updated=T0):
    return SimpleNamespace(status=status, values=values, inserted_at=inserted, updated_at=updated)


def asked(assisted=False):
    return Asked(DRAWN, "a-1", assisted)


def test_a_response_is_read_by_what_was_drawn():
    verdict = verdict_of(response(), asked())
    assert verdict["better"] == "refinement"
    assert (verdict["draft_score"], verdict["refinement_score"]) == (4, 8)
    assert (verdict["id"], verdict["record"], verdict["annotator"]) == ("x", "k", "a-1")
    assert (verdict["inclusion_probability"], verdict["calibration"]) == (0.25, True)
    assert (verdict["submitted_at"], verdict["started_at"], verdict["seconds"]) == (T0, None, None)


def test_a_draft_is_no_verdict_and_a_discarded_one_may_say_nothing():
    assert [is_verdict(response(status)) for status in ("submitted", "discarded", "draft")] == [
        True,
        True,
        False,
    ]
    assert verdict_of(response("discarded", {}), asked())["better"] is None
    assert verdict_of(response("discarded", {"score_a": 3}), asked())["refinement_score"] == 3


def test_a_saved_draft_says_when_it_was_begun_and_an_edit_does_not():
    later = T0 + timedelta(minutes=3)
    saved_first = verdict_of(response(updated=later), asked())
    assert (saved_first["started_at"], saved_first["submitted_at"]) == (T0, later)
    at_once = verdict_of(response(), asked())
    edited = verdict_of(response(updated=later), asked(), at_once)
    assert (edited["started_at"], edited["submitted_at"]) == (None, later)
    again = verdict_of(response(updated=later), asked(), saved_first)
    assert again["started_at"] == T0


def test_a_response_that_answers_something_else_is_refused():
    with pytest.raises(InvalidRow, match="draft_score is 11"):
        verdict_of(response(values={"score_b": 11}), asked())
    with pytest.raises(InvalidRow, match="better is 'C'"):
        verdict_of(response(values={"better": "C"}), asked())


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
    headed = f"Of answer A\n\n{offered['corrected_critique']}"
    copied = {**same, "corrected_critique": headed}
    changed = {**same, "corrected_refinement": "Another answer."}
    untouched = verdict_row(id="other", corrected_critique=None)
    originals = {original["id"]: original}
    assert corrected([same, untouched]) == {original["id"]}
    found = without_copies([same, copied, changed, untouched], originals)
    texts = [(row["corrected_critique"], row["corrected_refinement"]) for row in found]
    assert texts == [(None, None), (None, None), (None, "Another answer."), (None, None)]


def test_pseudonyms_are_keyed_and_kept(tmp_path):
    key = read_key(tmp_path)
    assert key == read_key(tmp_path)
    assert (tmp_path / KEY).stat().st_mode & 0o777 == 0o600
    (tmp_path / "other").mkdir()
    names = {pseudonym(secret, "user-1") for secret in (key, key, read_key(tmp_path / "other"))}
    assert len(names) == 2
    assert all(len(name) == 12 and name.startswith("a-") for name in names)

"""What verdicts on a row come to, whoever gave them in whatever order."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.release.verdicts import (
    ReviewSettings,
    can_be_asked,
    found_wrong,
    human_verdict,
    standing,
)
from builders.schema import BETTER, WEAKNESSES_REAL, InvalidRow, validate_feedback_row
from tests.builders.test_schema import FEEDBACK_ROW
from tests.ledger_rows import ledger_row
from tests.verdict_rows import verdict_row

SCORES = st.none() | st.integers(1, 10)
VERDICTS = st.lists(
    st.fixed_dictionaries(
        {
            "better": st.sampled_from([*BETTER, None]),
            "weaknesses_real": st.sampled_from([*WEAKNESSES_REAL, None]),
            "refinement_introduces_error": st.sampled_from([True, False, None]),
            "draft_score": SCORES,
            "refinement_score": SCORES,
            "assisted": st.booleans(),
            "status": st.sampled_from(["submitted", "discarded"]),
        }
    ).map(lambda columns: verdict_row(**columns)),
    max_size=6,
)


def said(*answers, question="better"):
    return [verdict_row(number, **{question: answer}) for number, answer in enumerate(answers)]


@given(VERDICTS)
def test_a_summary_is_of_the_verdicts_that_count_and_can_be_released(verdicts):
    counted = [row for row in verdicts if row["status"] == "submitted" and not row["assisted"]]
    summary = human_verdict(verdicts)
    if not counted:
        assert summary is None
        return
    validate_feedback_row({**FEEDBACK_ROW, "human_verdict": summary})
    assert summary["verdicts"] == len(counted)
    answers = [row["better"] for row in counted if row["better"] is not None]
    majority = [answer for answer in BETTER if 2 * answers.count(answer) > len(answers)]
    assert [summary["better"]] == (majority or [None])
    for part in ("draft_score", "refinement_score"):
        given_scores = [row[part] for row in counted if row[part] is not None]
        mean = sum(given_scores) / len(given_scores) if given_scores else None
        assert summary[part] == mean


@given(VERDICTS, st.randoms())
def test_order_decides_nothing(verdicts, chance):
    shuffled = chance.sample(verdicts, len(verdicts))
    assert human_verdict(shuffled) == human_verdict(verdicts)
    assert found_wrong(shuffled) == found_wrong(verdicts)


@given(VERDICTS)
def test_a_row_is_wrong_on_the_word_of_more_than_half_of_those_who_count(verdicts):
    counted = [row for row in verdicts if row["status"] == "submitted" and not row["assisted"]]
    faults = (
        [row["better"] == "draft" for row in counted],
        [row["weaknesses_real"] == "none" for row in counted],
        [row["refinement_introduces_error"] is True for row in counted],
    )
    expected = sum(2 * sum(fault) > len(counted) for fault in faults)
    found = found_wrong(verdicts)
    assert (len(found.split("; ")) if found else 0) == expected


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], None),
        (said("draft"), "1 of 1 say that the draft is better"),
        (said("draft", "refinement"), None),
        (said("draft", "draft", None), "2 of 3 say that the draft is better"),
        (said("draft", None), None),
        (said("none", "none", "some", question="weaknesses_real"), "2 of 3 say that no weakness"),
        (said("draft", "tie") + said("none", "none", question="weaknesses_real"), None),
    ],
)
def test_what_is_said_of_a_wrong_row(verdicts, expected):
    found = found_wrong(verdicts)
    assert found == expected or (expected and found.startswith(expected))


def rows(*fates):
    return [
        {"number": number, "status": "kept" if reason is None else "dropped", "reason": reason}
        for number, reason in enumerate(fates)
    ]


@pytest.mark.parametrize(
    ("fates", "number"),
    [
        ((), None),
        (("margin",), 0),
        (("duplicate",), 0),
        (("margin", None), 1),
        ((None, "duplicate"), 0),
        (("duplicate", "rejected_by_people"), 1),
        ((None, "corrected_by_people"), 1),
        (("margin", "margin"), None),
        (("duplicate", "duplicate"), None),
        (("rejected_by_people", "corrected_by_people"), None),
    ],
)
def test_one_row_of_an_id_stands_for_it_whatever_comes_first(fates, number):
    for order in permutations(rows(*fates)):
        row = standing(order)
        assert (row and row["number"]) == number


def test_people_can_be_asked_where_there_is_something_to_compare():
    assert can_be_asked(ledger_row(1, reason=None))
    assert can_be_asked(ledger_row(1, reason="margin"))
    for reason in ("no_change", "draft_truncated", "duplicate"):
        assert not can_be_asked(ledger_row(1, reason=reason))


def test_a_run_that_says_nothing_of_reviews_asks_for_the_default():
    assert ReviewSettings.of(None) == ReviewSettings.of({}) == ReviewSettings("drop")
    assert ReviewSettings.of({"wrong": "keep", "of_later": 1}) == ReviewSettings("keep")


def test_a_summary_without_verdicts_is_no_row():
    with pytest.raises(InvalidRow):
        validate_feedback_row({**FEEDBACK_ROW, "human_verdict": {}})

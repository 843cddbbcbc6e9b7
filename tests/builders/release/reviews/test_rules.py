"""What verdicts on a row come to, whoever gave them in whatever order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.release.reviews.rules import human_verdict
from builders.review.faults import reason_wrong
from builders.rows import InvalidRow
from builders.rows.schema import BETTER, WEAKNESSES_REAL, validate_feedback_row
from builders.settings import ReviewSettings
from tests.builders.rows.test_schema import FEEDBACK_ROW
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
    ),
    max_size=6,
).map(
    lambda each: [
        verdict_row(annotator=f"a{number}", **columns) for number, columns in enumerate(each)
    ]
)


def said(*answers, question="better"):
    return [
        verdict_row(number, annotator=f"{question} {number}", **{question: answer})
        for number, answer in enumerate(answers)
    ]


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
    assert reason_wrong(shuffled) == reason_wrong(verdicts)


@given(VERDICTS)
def test_a_row_is_wrong_on_the_word_of_more_than_half_of_those_who_count(verdicts):
    counted = [row for row in verdicts if row["status"] == "submitted" and not row["assisted"]]
    faults = (
        [row["better"] == "draft" for row in counted],
        [row["weaknesses_real"] == "none" for row in counted],
        [row["refinement_introduces_error"] is True for row in counted],
    )
    expected = sum(2 * sum(fault) > len(counted) for fault in faults)
    found = reason_wrong(verdicts)
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
    found = reason_wrong(verdicts)
    assert found == expected or (expected and found.startswith(expected))


@pytest.mark.parametrize(
    ("verdicts", "votes", "is_wrong"),
    [
        (said("draft"), 1, True),
        (said("draft"), 2, False),
        (said("draft", "draft"), 2, True),
        (said("draft", "draft", "tie"), 2, True),
        (said("draft", "draft", "tie"), 3, False),
        # Two people, and no two who say the same.
        (said("draft") + said("none", question="weaknesses_real"), 1, False),
    ],
)
def test_it_takes_so_many_people_to_find_a_row_wrong(verdicts, votes, is_wrong):
    assert (reason_wrong(verdicts, votes) is not None) == is_wrong


@pytest.mark.parametrize(
    ("recipe", "overlaps", "needed"),
    [(None, [3], 2), (None, [1], 1), (None, [1, 3], 2), (None, [], 1), (3, [1], 3), (1, [3], 1)],
)
def test_by_default_one_opinion_drops_a_row_only_where_one_was_asked(recipe, overlaps, needed):
    assert ReviewSettings(wrong_votes=recipe).votes_needed(overlaps) == needed


def test_a_person_has_one_vote_which_is_their_last():
    first, last = said("draft", "refinement")
    last["annotator"] = first["annotator"]
    for verdicts in ([first, last], [last, first]):
        assert human_verdict(verdicts)["better"] == "refinement"
        assert human_verdict(verdicts)["verdicts"] == 1
        assert reason_wrong(verdicts) is None
    # A discarded page takes nothing back.
    assert human_verdict([first, {**last, "status": "discarded"}])["better"] == "draft"


def test_a_summary_without_verdicts_is_no_row():
    with pytest.raises(InvalidRow):
        validate_feedback_row({**FEEDBACK_ROW, "human_verdict": {}})

"""The rows to look at."""

import random

from builders.review.reviewable import ReviewableRow
from builders.review.statistics.notable import MOST, dispute, notable_rows
from tests.verdict_rows import verdict_row


def listed(verdicts, dropped=()):
    rows = {
        row["id"]: ReviewableRow(row["id"], "s", 9, 9, 5, 4, 5, is_kept=row["id"] not in dropped)
        for row in verdicts
    }
    return notable_rows(verdicts, rows)


def said(number, *betters, **columns):
    return [
        verdict_row(number, annotator=f"a{place}", better=better, **columns)
        for place, better in enumerate(betters)
    ]


def test_those_that_people_disagree_most_on_come_first():
    verdicts = [
        *said(0, "refinement", "refinement"),
        *said(1, "refinement", "tie"),
        *said(2, "refinement", "draft"),
        *said(3, "refinement", "draft", "draft"),
        *said(4, "draft"),
        *said(5, "refinement", "draft", assisted=True),
    ]
    random.Random(0).shuffle(verdicts)
    disputed = listed(verdicts)["disputed"]
    assert disputed["of"] == 3
    assert [row["id"] for row in disputed["rows"]] == ["row-2", "row-3", "row-1"]
    assert disputed["rows"][0]["better"] == {"refinement": 1, "tie": 0, "draft": 1}
    assert disputed["rows"][0]["draft_scores"] == [4, 4]


def test_points_of_the_scores_decide_between_equal_choices():
    calm = said(0, "refinement", "draft")
    loud = said(1, "refinement", "draft")
    loud[0]["draft_score"] = 9
    assert dispute(loud) == (2.0, 5.0)
    rows = listed([*calm, *loud])["disputed"]["rows"]
    assert [row["id"] for row in rows] == ["row-1", "row-0"]


def test_what_was_found_wrong_and_corrected_is_said():
    verdicts = [
        *said(0, "draft", "draft", "refinement"),
        *said(1, "refinement", "refinement", corrected_refinement="Mine."),
        verdict_row(2, corrected_critique="Weaknesses: none.", assisted=True),
        *said(3, "refinement"),
    ]
    rows = listed(verdicts)
    assert [(row["id"], row["why"]) for row in rows["wrong"]["rows"]] == [
        ("row-0", "2 of 3 say that the draft is better")
    ]
    assert [(row["id"], row["why"]) for row in rows["corrected"]["rows"]] == [
        ("row-1", "2 corrected the refinement"),
        ("row-2", "1 corrected the critique"),
    ]


def test_a_list_is_bounded_and_its_count_is_not():
    wrong = listed([one for n in range(50) for one in said(n, "draft")])["wrong"]
    assert (wrong["of"], len(wrong["rows"])) == (50, MOST)


def test_a_row_that_was_dropped_for_its_margin_is_not_wrong_again():
    """The model has found so, too."""
    verdicts = [*said(0, "draft"), *said(1, "draft")]
    rows = listed(verdicts, dropped=["row-0"])
    assert [row["id"] for row in rows["wrong"]["rows"]] == ["row-1"]

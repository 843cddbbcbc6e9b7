"""What people answered, counted by hand and estimated for all rows."""

import pytest

from builders.review.reviewable import ReviewableRow
from builders.review.statistics.answers import answers_of, contradictions
from builders.review.statistics.reviewed import reviewed_records
from tests.verdict_rows import verdict_row


def records_of(verdicts, **columns):
    """Rows of two sources; the refinement of every third is more than twice as long."""
    rows = {
        row["id"]: ReviewableRow(
            row["id"],
            "rare" if int(row["id"].split("-")[1]) % 10 == 0 else "common",
            100,
            300 if int(row["id"].split("-")[1]) % 3 == 0 else 105,
            5,
            7,
            5,
        )
        for row in verdicts
    }
    return reviewed_records(verdicts, rows)


def test_each_record_counts_once_by_the_share_of_its_people():
    verdicts = [
        verdict_row(number, annotator=name, better=better, weaknesses_real=real)
        for number in range(30)
        for name, better, real in (("a", "refinement", "all"), ("b", "tie", None))
    ]
    verdicts += [verdict_row(number, annotator="a", better="draft") for number in range(30, 40)]
    answers = answers_of(records_of(verdicts))
    better = answers["questions"]["better"]
    assert better["records"] == 40
    assert better["verdicts"] == {"refinement": 30, "tie": 30, "draft": 10}
    shares = {name: figure["value"] for name, figure in better["shares"].items()}
    assert shares == pytest.approx({"refinement": 15 / 40, "tie": 15 / 40, "draft": 10 / 40})
    for figure in better["shares"].values():
        assert 0 < figure["low"] < figure["value"] < figure["high"] < 1
    real = answers["questions"]["weaknesses_real"]
    assert (real["records"], real["verdicts"]) == (40, {"all": 40, "some": 0, "none": 0})
    assert real["shares"]["all"]["value"] == 1


def test_a_group_of_few_records_has_counts_only():
    verdicts = [verdict_row(number) for number in range(60)]
    answers = answers_of(records_of(verdicts))
    sources = answers["preferred_by_source"]
    assert list(sources) == ["common", "rare"]
    assert sources["rare"]["verdicts"] == {"refinement": 6, "tie": 0, "draft": 0}
    assert sources["rare"]["shares"]["refinement"]["value"] is None
    assert sources["common"]["shares"]["refinement"]["value"] == 1
    lengths = answers["preferred_by_length"]
    assert {name: one["records"] for name, one in lengths.items() if one["records"]} == {
        "within 10%": 40,
        "more than twice as long": 20,
    }


def test_rows_that_were_likelier_to_be_drawn_count_less():
    """30 of 300 rows of one stratum prefer the draft, 30 of 30 of the other the refinement."""
    verdicts = [
        verdict_row(n, better="draft", stratum="big", stratum_rows=300, inclusion_probability=0.1)
        for n in range(30)
    ]
    verdicts += [
        verdict_row(n, stratum="small", stratum_rows=30, inclusion_probability=1.0)
        for n in range(30, 60)
    ]
    answers = answers_of(records_of(verdicts))
    assert answers["questions"]["better"]["shares"]["draft"]["value"] == pytest.approx(300 / 330)
    scores = answers["scores"]
    assert scores["draft"]["value"] == pytest.approx(4)
    assert scores["refinement"]["value"] == pytest.approx(8)


def test_calibration_and_assisted_answers_are_left_out():
    verdicts = [
        verdict_row(0),
        verdict_row(1, better="draft", calibration=True),
        verdict_row(2, better="draft", assisted=True),
        verdict_row(3, better=None, status="discarded"),
    ]
    better = answers_of(records_of(verdicts))["questions"]["better"]
    assert better["verdicts"] == {"refinement": 1, "tie": 0, "draft": 0}


def test_without_records_there_are_no_shares():
    answers = answers_of([])
    assert answers["questions"]["better"]["records"] == 0
    assert answers["questions"]["better"]["shares"]["tie"]["value"] is None
    assert answers["scores"]["draft"]["value"] is None


def test_a_better_answer_with_a_lower_score_contradicts():
    verdicts = [
        verdict_row(0, annotator="ann", draft_score=8, refinement_score=4),
        verdict_row(1, annotator="ann"),
        verdict_row(2, annotator="ann", draft_score=5, refinement_score=5),
        verdict_row(3, annotator="ann", better="tie", draft_score=1),
        verdict_row(4, annotator="ann", draft_score=None),
        verdict_row(5, annotator="ann", better="draft", assisted=True),
        verdict_row(6, annotator="bob", better="draft", draft_score=2, refinement_score=9),
    ]
    assert contradictions(verdicts) == {"ann": {"count": 1, "of": 3}, "bob": {"count": 1, "of": 1}}

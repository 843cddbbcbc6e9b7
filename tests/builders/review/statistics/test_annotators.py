"""How each annotator worked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.review.statistics.annotators import (
    agreement_with_others,
    by_annotator,
    shown_choice,
    shown_scores,
    straight_lining,
)
from tests.verdict_rows import verdict_row


@given(st.lists(st.sampled_from(("first", "second", "tie", None))))
def test_straight_lining_within_its_bounds(answers):
    result = straight_lining(answers)
    assert result["of"] == sum(answer is not None for answer in answers)
    if result["of"]:
        assert 1 / 3 <= result["share"] <= 1
        assert 1 <= result["longest_run"] <= round(result["of"] * result["share"])
        same = straight_lining([result["most_common"]] * result["of"])
        assert (same["share"], same["longest_run"]) == (1, result["of"])
    else:
        assert result["share"] is None


def test_runs_pass_over_what_was_not_answered():
    result = straight_lining(["a", None, "a", "b", "b", "b", "a"])
    assert result == {"of": 6, "most_common": "a", "share": 0.5, "longest_run": 3}


def test_what_was_chosen_is_told_as_it_was_shown():
    swapped = verdict_row(0, order="refinement_first")
    assert shown_choice(verdict_row(0)) == "second"
    assert shown_choice(swapped) == "first"
    assert shown_choice(verdict_row(0, better="tie")) == "tie"
    assert shown_choice(verdict_row(0, better=None)) is None
    assert shown_scores(verdict_row(0)) == "4 and 8"
    assert shown_scores(swapped) == "8 and 4"
    assert shown_scores(verdict_row(0, draft_score=None)) is None


def test_agreement_is_agreement_with_others_on_the_same_records():
    ratings = {
        "r1": {"a": "draft", "b": "draft", "c": "tie"},
        "r2": {"a": "draft", "b": "tie"},
        "r3": {"a": "draft"},
        "r4": {"b": "draft", "c": "draft"},
    }
    assert agreement_with_others(ratings, "a") == {"value": 0.25, "of": 2}
    assert agreement_with_others(ratings, "c") == {"value": 0.5, "of": 2}
    assert agreement_with_others(ratings, "d") == {"value": None, "of": 0}


@given(st.permutations("abcd"))
def test_those_who_agree_agree_whatever_they_are_called(names):
    ratings = {str(n): dict.fromkeys(names, answer) for n, answer in enumerate(("draft", "tie"))}
    assert {agreement_with_others(ratings, name)["value"] for name in names} == {1}


def test_facts_of_each_annotator():
    rows = []
    for number in range(6):
        usual = ("draft", "refinement")[number % 2]
        for name in ("ann", "bob"):
            rows.append(verdict_row(number, annotator=name, better=usual, seconds=10.0 + number))
        rows.append(verdict_row(number, annotator="cy", better="draft", seconds=1.0))
    rows.append(verdict_row(9, annotator="ann", assisted=True, seconds=999.0))
    rows.append(verdict_row(8, annotator="dee", status="discarded", submitted_at=None))
    ann, bob, cy, dee = by_annotator(rows)
    assert (ann["submitted"], ann["assisted"], ann["median_seconds"]) == (7, 1, 12.5)
    assert ann["straight_lining"]["choice"]["longest_run"] == 1
    assert bob["agreement"] == {"value": 0.75, "of": 6}
    assert (bob["alpha_without"] < 0.1, cy["alpha_without"]) == (True, pytest.approx(1))
    assert cy["straight_lining"]["choice"] == {
        "of": 6,
        "most_common": "first",
        "share": 1.0,
        "longest_run": 6,
    }
    assert (dee["discarded"], dee["median_seconds"], dee["agreement"]["value"]) == (1, None, None)

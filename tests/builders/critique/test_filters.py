import pytest

from builders.critique.filters import (
    drop_all_but_best,
    reason_disagreeing,
    reason_incomplete,
    reason_too_low,
)
from builders.critique.parse import Critique, ParsedReply
from builders.settings import FilterSettings

FULL = Critique(weaknesses=["w"], suggestions=["s"], score=5)


def parsed(critique=FULL, *, no_change=False, score_problem=None):
    return ParsedReply(critique, "better", no_change, score_problem)


def scored(draft, refinement, *, same=False):
    return {
        "draft": "d",
        "refinement": "d" if same else "r",
        "draft_score": draft,
        "refinement_score": refinement,
    }


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (parsed(), None),
        (parsed(Critique(["w"], ["s"], None), score_problem="score_fraction"), "score_fraction"),
        (parsed(Critique([], ["s"], 5)), "weaknesses_empty"),
        (parsed(Critique(["w"], [], 5)), "suggestions_empty"),
        (parsed(Critique([], [], 10), no_change=True), "no_change"),
    ],
)
def test_rule_one_requires_all_three_parts(reply, reason):
    assert reason_incomplete(reply, FilterSettings()) == reason


def test_no_change_can_be_kept():
    reply = parsed(Critique([], [], 10), no_change=True)
    assert reason_incomplete(reply, FilterSettings(keep_no_change=True)) is None


@pytest.mark.parametrize(
    ("margin", "draft", "refinement", "reason"),
    [
        (0, 5, 5, None),
        (0, 5, 4, "margin"),
        (1, 5, 5, "margin"),
        (1, 5, 6, None),
        (0, None, 6, "draft_score_missing"),
        (0, 6, None, "refinement_score_missing"),
    ],
)
def test_rule_two_compares_the_independent_scores(margin, draft, refinement, reason):
    assert reason_too_low(scored(draft, refinement), FilterSettings(min_margin=margin)) == reason


def test_an_answer_left_alone_has_no_margin_to_gain():
    assert reason_too_low(scored(9, 9, same=True), FilterSettings(min_margin=1)) is None


def controlled(first, *others):
    """A row with the first scorer's margin and those of others, None where one cannot be read."""
    controls = [
        {"draft_score": 5, "refinement_score": None if margin is None else 5 + margin}
        for margin in others
    ]
    return {**scored(5, 5 + first), "control_scores": controls}


@pytest.mark.parametrize(
    ("row", "agrees"),
    [
        (controlled(2), True),
        (controlled(2, 1), True),
        (controlled(2, 1, -1), False),
        (controlled(2, 0), False),
        (controlled(0, 0), True),
        (controlled(0, 3), False),
        (controlled(2, None), True),
        (controlled(2, None, -1), False),
    ],
)
def test_rule_three_wants_the_same_sign_of_every_margin_that_is_known(row, agrees):
    assert reason_disagreeing(row) == (None if agrees else "scorers_disagree")


def kept_of(*scores, dropped=()):
    """Which of an instruction's rows with these scores is kept, from 1 on."""
    rows = [
        {**scored(*pair), "id": f"a-s{place}", "reason": "no_change" if place in dropped else None}
        for place, pair in enumerate(scores, start=1)
    ]
    drop_all_but_best(rows)
    return [place for place, row in enumerate(rows, start=1) if row["reason"] is None]


def test_rule_four_keeps_the_greatest_margin_then_the_best_refinement_then_the_first():
    assert kept_of((5, 6), (3, 8), (4, 7)) == [2]
    assert kept_of((3, 6), (5, 8), (4, 7)) == [2]
    assert kept_of((5, 8), (5, 8), (5, 8)) == [1]
    assert kept_of((5, 6), (3, 8), (4, 7), dropped=[2]) == [3]
    assert kept_of((5, 6), dropped=[1]) == []


def test_rule_four_is_about_rows_of_one_instruction():
    ids = ["a", "a-s2", "b", "b-1", "b-1-s2"]
    rows = [{**scored(5, 6 + place), "id": id_, "reason": None} for place, id_ in enumerate(ids)]
    drop_all_but_best(rows)
    assert [row["id"] for row in rows if row["reason"] is None] == ["a-s2", "b", "b-1-s2"]

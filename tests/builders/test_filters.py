import pytest

from builders.filters import Filters, incomplete, too_low
from builders.parse import Critique, Review

FULL = Critique(weaknesses=["w"], suggestions=["s"], score=5)


def review(critique=FULL, *, no_change=False, score_problem=None):
    return Review(critique, "better", no_change, score_problem)


def scored(draft, refinement, *, same=False):
    return {
        "draft": "d",
        "refinement": "d" if same else "r",
        "draft_score": draft,
        "refinement_score": refinement,
    }


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (review(), None),
        (review(Critique(["w"], ["s"], None), score_problem="score_fraction"), "score_fraction"),
        (review(Critique([], ["s"], 5)), "weaknesses_empty"),
        (review(Critique(["w"], [], 5)), "suggestions_empty"),
        (review(Critique([], [], 10), no_change=True), "no_change"),
    ],
)
def test_rule_one_wants_all_three_parts(found, reason):
    assert incomplete(found, Filters()) == reason


def test_no_change_can_be_kept():
    found = review(Critique([], [], 10), no_change=True)
    assert incomplete(found, Filters(keep_no_change=True)) is None


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
    assert too_low(scored(draft, refinement), Filters(min_margin=margin)) == reason


def test_an_answer_left_alone_has_no_margin_to_gain():
    assert too_low(scored(9, 9, same=True), Filters(min_margin=1)) is None

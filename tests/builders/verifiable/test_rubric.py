import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.verifiable.rubric import Fault, Outcome, assess, score

FAULT = Fault("It is wrong.", "Do it again.", cost=2)


@pytest.mark.parametrize(
    ("outcome", "share", "cost", "expected"),
    [
        (Outcome.EMPTY, 0, 0, 1),
        (Outcome.NO_ANSWER, 0, 3, 2),
        (Outcome.WRONG, 0.2, 0, 3),
        (Outcome.WRONG, 0.5, 0, 4),
        (Outcome.WRONG, 1.0, 0, 4),
        (Outcome.CONTRADICTION, 0, 2, 5),
        (Outcome.PARTIAL, 0, 0, 3),
        (Outcome.PARTIAL, 2 / 3, 0, 5),
        (Outcome.PARTIAL, 0.99, 0, 6),
        (Outcome.PARTIAL, 1.0, 0, 6),
        (Outcome.RIGHT, 0, 0, 10),
        (Outcome.RIGHT, 0, 1, 9),
        (Outcome.RIGHT, 0, 2, 8),
        (Outcome.RIGHT, 0, 3, 7),
        (Outcome.RIGHT, 0, 9, 7),
    ],
)
def test_score(outcome, share, cost, expected):
    assert score(outcome, share, cost) == expected


shares = st.floats(0, 1)
costs = st.integers(0, 12)


@settings(derandomize=True)
@given(st.sampled_from(Outcome), shares, shares, costs, costs)
def test_more_faults_never_score_higher(outcome, share, other_share, cost, other_cost):
    low, high = sorted((share, other_share))
    few, many = sorted((cost, other_cost))
    assert score(outcome, low, many) <= score(outcome, high, few)


@settings(derandomize=True)
@given(st.sampled_from(Outcome), shares, costs)
def test_seven_and_more_say_right_and_nothing_else_does(outcome, share, cost):
    found = score(outcome, share, cost)
    assert 1 <= found <= 10
    assert (found >= 7) == (outcome is Outcome.RIGHT)


def test_nothing_to_improve_returns_the_draft():
    found = assess("The draft.", Outcome.RIGHT, [], "Something else.")
    assert (found.weaknesses, found.suggestions, found.score) == ([], [], 10)
    assert found.refinement == "The draft."
    assert found.correct


def test_three_remarks_at_most_and_no_doubles():
    faults = [FAULT, FAULT, *(Fault(f"Fault {n}.", f"Mend {n}.") for n in range(5))]
    found = assess("Draft", Outcome.RIGHT, faults, "Better.")
    assert found.weaknesses == ["It is wrong.", "Fault 0.", "Fault 1."]
    assert found.suggestions == ["Do it again.", "Mend 0.", "Mend 1."]
    assert found.score == 7
    assert found.refinement == "Better."

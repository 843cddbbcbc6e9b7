import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.verifiable.rubric import Fault, Grade, assess, score

FAULT = Fault("It is wrong.", "Do it again.", cost=2)


@pytest.mark.parametrize(
    ("grade", "share", "cost", "expected"),
    [
        (Grade.EMPTY, 0, 0, 1),
        (Grade.NO_ANSWER, 0, 3, 2),
        (Grade.WRONG, 0.2, 0, 3),
        (Grade.WRONG, 0.5, 0, 4),
        (Grade.WRONG, 1.0, 0, 4),
        (Grade.CONTRADICTION, 0, 2, 5),
        (Grade.PARTIAL, 0, 0, 3),
        (Grade.PARTIAL, 2 / 3, 0, 5),
        (Grade.PARTIAL, 0.99, 0, 6),
        (Grade.PARTIAL, 1.0, 0, 6),
        (Grade.RIGHT, 0, 0, 10),
        (Grade.RIGHT, 0, 1, 9),
        (Grade.RIGHT, 0, 2, 8),
        (Grade.RIGHT, 0, 3, 7),
        (Grade.RIGHT, 0, 9, 7),
    ],
)
def test_score(grade, share, cost, expected):
    assert score(grade, share, cost) == expected


shares = st.floats(0, 1)
costs = st.integers(0, 12)


@settings(derandomize=True)
@given(st.sampled_from(Grade), shares, shares, costs, costs)
def test_more_faults_never_score_higher(grade, share, other_share, cost, other_cost):
    low, high = sorted((share, other_share))
    few, many = sorted((cost, other_cost))
    assert score(grade, low, many) <= score(grade, high, few)


@settings(derandomize=True)
@given(st.sampled_from(Grade), shares, costs)
def test_a_score_of_seven_or_more_means_right(grade, share, cost):
    checked = score(grade, share, cost)
    assert 1 <= checked <= 10
    assert (checked >= 7) == (grade is Grade.RIGHT)


def test_nothing_to_improve_returns_the_draft():
    checked = assess("The draft.", Grade.RIGHT, [], "Something else.")
    assert (checked.weaknesses, checked.suggestions, checked.score) == ([], [], 10)
    assert checked.refinement == "The draft."
    assert checked.correct


def test_at_most_three_remarks_and_no_duplicates():
    faults = [FAULT, FAULT, *(Fault(f"Fault {n}.", f"Mend {n}.") for n in range(5))]
    checked = assess("Draft", Grade.RIGHT, faults, "Better.")
    assert checked.weaknesses == ["It is wrong.", "Fault 0.", "Fault 1."]
    assert checked.suggestions == ["Do it again.", "Mend 0.", "Mend 1."]
    assert checked.score == 7
    assert checked.refinement == "Better."

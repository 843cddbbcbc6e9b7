from random import Random

import pytest

from builders.verifiable.material.stories import STORIES
from builders.verifiable.registry import families

CHECK = families()["word_problem"].check
CHANGE = {
    "story": "change",
    "numbers": {"total": 30, "b": 6, "c": 4},
    "name": "Paul",
    "form": "free",
}
BAGS = {
    "story": "bags",
    "numbers": {"a": 12, "b": 3, "c": 6},
    "name": "Tom",
    "things": "apples",
    "form": "free",
}


@pytest.mark.parametrize(
    ("draft", "score"),
    [
        ("3 * 6 = 18 and 12 + 18 = 30. Tom has 30 apples.", 10),
        ("Tom has 30 apples", 10),
        ("Tom has now 30 apples. This is because he adds the 18 apples to his 12 apples.", 10),
        ("He buys 3 * 6 = 18.\nSo Tom has 12 + 18 = 30.\n#### 30\nThe answer is: 30", 10),
        ("He buys 12 * 6 = 64 apples.\nTom has now 2 apples left.\n#### 2\nThe answer is: 2", 3),
        ("Tom has 18 apples.", 3),
        ("Tom has 31 apples.", 4),
        ("Tom buys bags with apples in each.", 2),
    ],
)  # fmt: skip
def test_bags(draft, score):
    assert CHECK(BAGS, draft).score == score


def test_stopping_halfway_is_named():
    (weakness,) = CHECK(BAGS, "3 × 6 = 18. The answer is 18.").weaknesses
    assert "18" in weakness
    assert "the apples in the bags" in weakness


def test_the_wrong_last_step_is_named():
    (weakness,) = CHECK(CHANGE, "The answer is 54.").weaknesses
    assert weakness == "The last step adds where it should subtract: 54 instead of 6."


def test_text_around_a_right_number_costs_points_in_the_only_form():
    checked = CHECK(CHANGE | {"form": "only"}, "A very logical question. The answer is 6.")
    assert checked.score == 8
    assert checked.refinement == "6"


def test_a_false_step_in_a_right_answer_costs_two():
    checked = CHECK(CHANGE, "6 * 4 = 25 dollars. The answer is 6.")
    assert checked.score == 8
    assert "24" in checked.weaknesses[0]


@pytest.mark.parametrize("key", STORIES)
def test_every_story_has_two_texts_and_comes_out_positive(key):
    make = families()["word_problem"].make
    rng = Random(5)
    drawn = []
    while len(drawn) < 20:
        problem = make(rng)
        if problem.args["story"] == key:
            drawn.append(problem)
    assert len(STORIES[key].texts) >= 2
    for problem in drawn:
        assert "{" not in problem.instruction
        number = CHECK(problem.args | {"form": "only"}, "").refinement
        assert int(number) > 0
        for value in problem.args["numbers"].values():
            assert str(value) in problem.instruction

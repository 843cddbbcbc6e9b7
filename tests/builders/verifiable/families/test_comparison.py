import pytest

from builders.verifiable.registry import families

CHECK = families()["comparison"].check


def args(left, right, kind="larger", form="free"):
    return {"kind": kind, "left": left, "right": right, "form": form}


DECIMALS = args("9.9", "9.11")


@pytest.mark.parametrize(
    ("draft", "score"),
    [
        ("9.9 is larger than 9.11.", 10),
        ("9.11 is smaller than 9.9.", 10),
        ("The larger number is 9.9.", 10),
        ("The larger of the two numbers is 9.9", 10),
        ("9.9 > 9.11", 10),
        ("9.11 < 9.90, so 9.9 is the larger one.", 10),
        ("9.9", 10),
        ("The larger one is 9.9, not 9.11.", 10),
        ("9.11 is not larger than 9.9.", 10),
        ("The larger of 9.9 and 9.11 is 9.9.", 10),
        ("The larger of the two numbers, 9.9 and 9.11, is 9.9.", 10),
        ("The larger number between 9.11 and 9.9 is 9.9.", 10),
        ("To tell which of 9.11 and 9.9 is larger, compare them. 9.11 is less than 9.9.", 10),
        ("We compare them.\n\nThe larger number between 9.9 and 9.11 is \\(\\boxed{9.9}\\).", 10),
        ("The larger number between 9.9 and 9.11 is 9.11.", 3),
        ("The larger of the two numbers 9.9 and 9.11 is 9.11.", 3),
        ("9.9 is greater than 9.11.\n\nTherefore, the larger number is \\boxed{9.11}.", 4),
        ("9.9 = 9.11", 3),
        ("9.11 is larger than 9.9, because 11 is larger than 9.", 3),
        ("The answer is 9.11.", 3),
        ("9.11 is the bigger one", 3),
        ("They are equal.", 3),
        ("9.9 is larger. No, 9.11 is larger.", 4),
        ("9.11 is larger. No, the larger number is 9.9.", 5),
        ("The difference between a fraction and a decimal is 9.11 - 9.9, which is 1.11.", 2),
        ("Which is larger, 9.9 or 9.11?", 2),
        ("Which number is larger: 9.9 or 9.11?", 2),
        ("The larger one is 9.9 / 1004 = 0.25", 2),
    ],
)
def test_decimals(draft, score):
    assert CHECK(DECIMALS, draft).score == score


@pytest.mark.parametrize(
    ("question", "right"),
    [
        (args("-11", "-5"), "-5"),
        (args("-11", "-5", "smaller"), "-11"),
        (args("1/3", "2/5"), "2/5"),
        (args("8077", "8086", "smaller"), "8077"),
        (args("9959", "10859"), "10859"),
        (args("-21", "32", "smaller"), "-21"),
    ],
)
def test_other_numbers(question, right):
    wrong = ({question["left"], question["right"]} - {right}).pop()
    assert CHECK(question, f"{right} is {question['kind']} than {wrong}.").score == 10
    assert CHECK(question, f"The {question['kind']} one is {wrong}.").score == 3
    assert CHECK(question | {"form": "only"}, "").refinement == right


def test_another_number_as_the_answer_is_wrong():
    checked = CHECK(args("8.21", "8.4"), "8.4 ÷ 8.21 = 0.841\n\nThe larger number is 0.841.")
    assert checked.score == 3
    assert "neither" in checked.weaknesses[0]


def test_only_the_number():
    checked = CHECK(args("-2", "-36", form="only"), "The larger one is -2.")
    assert (checked.score, checked.refinement) == (8, "-2")

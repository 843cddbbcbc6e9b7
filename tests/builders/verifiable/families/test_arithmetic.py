import pytest

from builders.verifiable.registry import families

CHECK = families()["arithmetic"].check
SUM = {"terms": [17, 38], "operators": ["+"], "form": "free"}
QUOTIENT = {"terms": [84, 7], "operators": ["÷"], "form": "only"}
MIXED = {"terms": [12, 6, 3], "operators": ["+", "×"], "form": "free"}


@pytest.mark.parametrize(
    ("draft", "score"),
    [
        ("17 + 38 = 55", 10),
        ("55", 10),
        ("55.", 10),
        ("17 plus 38 is 55.", 10),
        ("To calculate 17 + 38, you simply add the numbers together: 17 + 38 = 55.", 10),
        ("17 + 38 = 10 + 7 + 38 = 55. Let's do another one: 20 + 30 = 50.", 10),
        ("17 + 38 = 55. Let me add: 20 + 30 = 60, which is easy.", 8),
        ("17 + 38 = 54", 4),
        ("The sum is 5.5", 4),
        ("The answer is 45.", 3),
        ("17 + 38 = 55. No, the answer is 54.", 4),
        ("17 + 38 = 54. So the answer is 55.", 5),
        ("17 + 38", 2),
        ("To compute 17 + 38, you simply add 38 to 17.", 2),
        ("I'm here to assist you with any mathematical problem you're facing.", 2),
        ("", 1),
    ],
)
def test_sum(draft, score):
    assert CHECK(SUM, draft).score == score


def test_a_program_beside_the_answer_is_not_the_answer():
    program = "```python\nshare = 84 / 100\nresult = (share / 7) * 100\n```"
    assert CHECK(SUM, f"{program}\nThe result of 17 + 38 is 55.").score == 10
    assert CHECK(SUM, f"{program}\nIt prints the sum.").score < 7
    assert CHECK(SUM, "```python\nprint(17 + 38)  # 55\n```").score == 10


@pytest.mark.parametrize(
    ("draft", "score"),
    [
        ("84 ÷ 7 is 12 with a remainder of 0.", 10),
        ("The result of \\( 84 \\div 7 \\) is \\( 12 \\) with a remainder of \\( 0 \\).", 10),
        ("84 divided by 7 is 11 with a remainder of 7.", 4),
        ("result = 84 // 7\n\nSo, the result of 84 ÷ 7 is 12.", 10),
    ],
)
def test_quotients(draft, score):
    assert CHECK(QUOTIENT | {"form": "free"}, draft).score == score


def test_remarks_are_about_this_draft():
    checked = CHECK(SUM, "17 + 38 = 45")
    assert "45" in checked.weaknesses[0]
    assert "55" in checked.weaknesses[0]
    assert "38" in checked.suggestions[0]
    assert "55" not in checked.suggestions[0]
    assert checked.refinement == "17 + 38 = 55."


def test_a_wrong_operation_is_named():
    (weakness,) = CHECK(SUM, "The answer is 646.").weaknesses
    assert weakness == "646 is 17 × 38, but the question was 17 + 38, which is 55."


def test_a_false_step_is_named_along_with_a_wrong_answer():
    checked = CHECK(SUM, "17 + 30 = 48, and 48 + 8 = 56. So the answer is 56.")
    assert checked.score == 4
    assert any("17 + 30" in weakness and "47" in weakness for weakness in checked.weaknesses)


@pytest.mark.parametrize(
    ("draft", "score"),
    [
        ("12", 10),
        ("84 / 7 = 12", 8),
        ("To solve this problem, we need the quotient. 84 ÷ 7 = 12, and so 84 / 7 is 12.", 7),
        ("We first find the quotient. 84 ÷ 7 = 13. So, 84 / 7 is 13.", 4),
        ("84/7", 4),
    ],
)
def test_only_the_number(draft, score):
    checked = CHECK(QUOTIENT, draft)
    assert checked.score == score
    assert checked.refinement == "12"


def test_stopping_after_the_first_of_two_steps_is_named():
    checked = CHECK(MIXED, "The answer is 18.")
    assert checked.weaknesses == ["18 is only 6 × 3; the second step is missing."]
    assert CHECK(MIXED, "(12 + 6) * 3 = 54").score == 3


def test_the_form_requests_working_or_a_last_line():
    working = SUM | {"form": "working"}
    assert CHECK(working, "55").score == 8
    assert CHECK(working, "10 + 30 = 40, 7 + 8 = 15, so 17 + 38 = 55").score == 10
    line = SUM | {"form": "line"}
    assert CHECK(line, "17 + 38 = 55").score == 8
    assert CHECK(line, "17 + 38 = 55\nAnswer: 55").score == 10
    assert CHECK(line, "17 + 38 = 55").refinement == "17 + 38 = 55.\nAnswer: 55"


def test_an_answer_that_is_one_of_the_questions_numbers():
    args = {"terms": [121, 11], "operators": ["÷"], "form": "free"}
    assert CHECK(args, "11").correct
    assert CHECK(args, "121 ÷ 11 is 11.").correct
    assert CHECK(args, "Please compute 121 ÷ 11 for me.").score == 2

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.verifiable.reading.answers import final_number, read_number
from builders.verifiable.reading.number_text import numbers, plain

FINAL = [
    ("The answer is 55.", 55),
    ("17 + 38 = 55", 55),
    ("#### 1,234", 1234),
    ("She makes 9 * 2 = $18 every day.\nA: 18", 18),
    ("so \\boxed{42}, found in 3 steps", 42),
    ("The total is **55**, after adding the 2 numbers", 55),
    ("It costs $1,250.50.", Fraction(2501, 2)),
    ("The answer is -5.", -5),
    ("The answer is −5", -5),
    ("x = - 5", -5),
    ("The temperature is minus $5", -5),
    ("negative 5", -5),
    ("from 3-5", 5),
    ("- 5 apples", 5),
    ("The answer is 3/4.", Fraction(3, 4)),
    ("\\frac{3}{4}", Fraction(3, 4)),
    ("So 3 1/2 cups", Fraction(7, 2)),
    ("2½ litres", Fraction(5, 2)),
    ("Answer: To add 17 and 38 we get 55", 55),
    ("The answer is the sum of 17 and 38, which is 55", 55),
    ("The answer is 17 + 38 = 55 apples", 55),
    ("The answer is not 54 but 55", 55),
    ("1. Add 17\n2. Get 55\n", 55),
    ("Answer:\n55", 55),
    ("Answer: 29 yards are 87 feet.", 87),
    ("Here is the answer:\n\nFirst, 19 × 9 = 171. Then 171 + 85 = 256.", 256),
    ("Solution: 80% of 280 is 224, and 280 + 224 = 504.", 504),
    ("Solution:\nStep 1: 6 × 3 = 18.\nStep 2: 12 + 18 = 30.", 30),
    ("**Answer:** 55. Also 3.", 55),
    ("The answer to 17 + 38 is 55, all 2 of them", 55),
    ("5\u00a0000 m", 5000),
    ("1{,}234", 1234),
    ("The answer is $2 \\times 18 = 36$.", 36),
    ("He pays \\$36", 36),
    ("the answer is 12.5 m. It took 7 minutes.", Fraction(25, 2)),
    ("Andrea saved $25 - $4 = $21 after giving her brother $4.", 21),
    ("5 + 6 = <<5+6=11>>11 apples", 11),
    ("3rd place, 5th lane", None),
    ("H2O and version 1.2.3", None),
    ("no number at all", None),
    ("", None),
    ("9" * 6000, None),
]


@pytest.mark.parametrize(("text", "value"), FINAL)
def test_final_number(text, value):
    assert final_number(text) == value


def test_two_committed_answers_are_both_reported():
    reading = read_number("The answer is 5. No, the answer is 6.")
    assert reading.final.value == 6
    assert reading.others == (5,)


def test_either_or_is_two_answers():
    reading = read_number("The answer is 54 or 55.")
    assert {reading.final.value, *reading.others} == {54, 55}


def test_the_same_answer_twice_is_not_a_contradiction():
    assert read_number("The answer is 55. So the answer is 55.00.").others == ()


def test_a_conclusion_overrides_earlier_numbers():
    reading = read_number("First I get 12. So, 17 and 38 add up to 1378.", givens=[17, 38])
    assert reading.final.value == 1378
    assert reading.committed


def test_a_remark_does_not_contradict_a_marked_answer():
    assert read_number("The answer is 55. So you need only 2 steps.").others == ()


def test_numbers_from_the_question_are_skipped():
    assert read_number("36 is 15% of 240.", givens=[15, 240]).final.value == 36
    assert read_number("You get 24. I added 2 to it.", givens=[2]).final.value == 24


def test_number_words_count_only_on_request():
    assert read_number("There are three of them.") is None
    assert read_number("There are three of them.", with_words=True).final.value == 3
    assert read_number("That is one of the things.", with_words=True) is None


def test_a_quotient_and_a_number_are_different():
    assert read_number("The answer is 84/7.").final.is_quotient
    assert not read_number("84/7 = 12").final.is_quotient


def test_numbers_are_in_order_with_their_indices():
    found = numbers(plain("from 3 to -4.5, then 1,000"))
    assert [item.value for item in found] == [3, Fraction(-9, 2), 1000]
    assert [item.start for item in found] == sorted(item.start for item in found)


@settings(derandomize=True, max_examples=200)
@given(st.integers(-(10**9), 10**9), st.sampled_from(["", ".", " apples.", "\n", "$"]))
def test_any_integer_is_read_back(value, tail):
    assert final_number(f"The answer is {value}{tail}") == value
    assert final_number(f"The answer is {value:,}{tail}") == value


@settings(derandomize=True, max_examples=200)
@given(st.text(alphabet="0123456789.,-/=+*$% answeris:\n", max_size=80))
def test_no_text_breaks_the_reader(text):
    final_number(text)

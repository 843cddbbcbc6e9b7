from fractions import Fraction

import pytest

from builders.verifiable.reading.steps import evaluate, false_steps, worked_step


@pytest.mark.parametrize(
    "text",
    [
        "17 + 38 = 55",
        "2 + 3 * 4 = 14",
        "100/3 = 33.3",
        "100 / 3 = 33",
        "(2 + 3) * 4 = 20",
        "5 × 6 = 30 + 2 = 32",
        "8 × 11 = 8 × (10 + 1) = 88",
        "5 * 3 = 15x",
        "$7 - $3 = $4",
        "1,000 + 1 = 1001.",
        "2^3 + 1 = 9",
        "0.1 + 0.2 = 0.3",
        "15% * 240 = 36",
        "4 / 0 = 5",
        "x + 5 = 3",
        "14 Jul 1999 = 299",
        "",
    ],
)
def test_true_and_unclear_equations_are_ignored(text):
    assert false_steps(text) == []


@pytest.mark.parametrize(
    ("text", "left", "claimed", "value"),
    [
        ("17 + 38 = 54", "17 + 38", "54", 55),
        ("So 7*8=54, ok", "7 × 8", "54", 56),
        ("5 + 6 = <<5+6=10>>10", "5 + 6", "10", 11),
        ("299 + 40 = 44.", "299 + 40", "44", 339),
        ("360 * 0.45 = 158", "360 × 0.45", "158", 162),
        ("$8 + $45 = $11", "$8 + $45", "$11", 53),
    ],
)
def test_false_equations_are_found(text, left, claimed, value):
    (step,) = false_steps(text)
    assert (step.left, step.claimed, step.value) == (left, claimed, value)


def test_products_come_before_sums():
    assert evaluate([Fraction(n) for n in (2, 3, 4)], ["+", "×"]) == 14
    assert evaluate([Fraction(n) for n in (20, 8, 4)], ["-", "÷"]) == 18


@pytest.mark.parametrize("operator", "+-×÷")
def test_working_is_true(operator):
    for left in range(2, 120, 7):
        for right in range(1, 60, 3):
            assert false_steps(worked_step(left, operator, right)) == []

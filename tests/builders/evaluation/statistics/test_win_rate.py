"""Win rates without a model of the judge: by hand, and at the ends."""

import numpy as np
import pytest

from builders.evaluation.statistics.intervals import mean_with_interval
from builders.evaluation.statistics.win_rate import (
    balanced_win_rate,
    consistency,
    difference,
    win_rate,
)


def places(y):
    return np.arange(len(y))


def test_yes_and_no_have_wilsons_interval_with_a_t_quantile():
    y = np.repeat([1.0, 0.0], [30, 70])
    found = win_rate(y, places(y))
    assert (found["value"], found["of"]) == (0.3, 100)
    assert (found["low"], found["high"]) == pytest.approx((0.2183, 0.3968), abs=2e-3)


def test_preferences_between_yes_and_no_have_a_narrower_interval():
    y = np.tile([0.6, 0.4], 50)
    found = win_rate(y, places(y))
    assert found["high"] - found["low"] < 0.05


def test_unknown_preferences_are_left_out():
    y = np.array([1.0, np.nan, 0.0, np.nan])
    assert win_rate(y, places(y))["of"] == 2


@pytest.mark.parametrize(("y", "low", "high"), [([], None, None), ([0.5], 0.0, 1.0)])
def test_too_few_to_say(y, low, high):
    y = np.array(y, float)
    found = mean_with_interval(y, places(y))
    assert (found["low"], found["high"]) == (low, high)


def test_three_instructions_leave_nearly_everything_open():
    y = np.array([1.0, 0.0, 1.0])
    found = win_rate(y, places(y))
    assert found["high"] - found["low"] > 0.8


def test_unanimous_judgments_are_not_certain():
    y = np.ones(50)
    found = win_rate(y, places(y))
    assert found["value"] == 1
    assert 0.9 < found["low"] < 0.95


def test_judgments_on_one_instruction_are_worth_less():
    y = np.repeat([1.0, 0.0, 1.0, 0.0, 1.0] * 4, 5)
    alone, together = win_rate(y, places(y)), win_rate(y, places(y) // 5)
    assert together["value"] == alone["value"]
    assert together["high"] - together["low"] > 2 * (alone["high"] - alone["low"])


def test_balanced_is_half_for_a_judge_of_length_alone():
    longer = np.array([5.0] * 30 + [-5.0] * 10)
    y = (longer > 0).astype(float)
    assert win_rate(y, places(y))["value"] == 0.75
    assert balanced_win_rate(y, longer, places(y))["value"] == 0.5


def test_balanced_needs_both_kinds():
    y, longer = np.ones(10), np.ones(10)
    assert balanced_win_rate(y, longer, places(y))["value"] is None


def test_equal_lengths_are_in_neither_half():
    longer = np.array([1.0, 1.0, -1.0, -1.0, 0.0, 0.0])
    y = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    found = balanced_win_rate(y, longer, places(y))
    assert (found["value"], found["of"]) == (0.25, 4)


def test_a_difference_is_of_instructions_that_both_have():
    after, before = np.array([1.0, 1.0, np.nan, 0.5]), np.array([0.0, 1.0, 0.0, np.nan])
    found = difference(after, before, places(after))
    assert (found["value"], found["of"]) == (0.5, 2)


def test_equal_answers_differ_by_nothing_with_an_interval_around_it():
    y = np.tile([1.0, 0.0, 0.5], 20)
    found = difference(y, y, places(y))
    assert found["value"] == 0
    assert found["low"] == -found["high"] < 0


def test_differences_of_halves_have_half_the_interval_and_one_alone_less_than_none():
    """As if two pairs differed as much as the others do."""
    d = np.repeat([0.5, -0.5, 0.0], [30, 10, 160])
    halves, wholes = (difference(x, np.zeros(200), places(x)) for x in (d, 2 * d))
    width, other = (one["high"] - one["low"] for one in (halves, wholes))
    assert width == pytest.approx(other / 2, rel=0.01)
    single = np.zeros(100)
    none = difference(single, single, places(single))
    single[0] = 0.5
    one = difference(single, np.zeros(100), places(single))
    assert 0.8 < (one["high"] - one["low"]) / (none["high"] - none["low"]) < 1


def test_a_difference_is_narrower_than_two_intervals_subtracted():
    chance = np.random.default_rng(0)
    before = (chance.random(200) < 0.4).astype(float)
    after = np.where(chance.random(200) < 0.1, 1.0, before)
    found = difference(after, before, places(after))
    apart = [win_rate(y, places(y)) for y in (after, before)]
    assert found["high"] - found["low"] < 0.4 * sum(one["high"] - one["low"] for one in apart)


def test_a_judge_that_always_says_a():
    found = consistency(np.ones(40), np.zeros(40), np.arange(40))
    assert (found["same"]["value"], found["first"]["value"]) == (0, 1)


def test_a_judge_that_names_one_answer_in_both_places():
    y = np.tile([1.0, 0.0, 0.5], 10)
    found = consistency(y, y, places(y))
    assert (found["same"]["value"], found["first"]["value"]) == (1, 0.5)


def test_a_judge_that_failed_in_one_order_is_not_counted():
    found = consistency(np.array([1.0, np.nan]), np.array([1.0, 0.0]), np.arange(2))
    assert found["same"]["of"] == 1

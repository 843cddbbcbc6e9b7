"""Self-bias beside controls: planted bias is found, quality alone is not called bias."""

import numpy as np
import pytest

from builders.audit.statistics.bias import bias, equal_opportunity, premium

PAIRS = 4000


def judged(right, noise, favor=0.0, seed=0):
    """Margins of a judge who is right with 1 − `noise`, and prefers B anyway with `favor`."""
    chance = np.random.default_rng(seed)
    b_is_better = right == 1
    says_b = b_is_better ^ (chance.random(len(right)) < noise)
    return np.where(says_b | (chance.random(len(right)) < favor), 1.0, -1.0)


@pytest.fixture
def people():
    return np.random.default_rng(9).integers(2, size=PAIRS).astype(float)


OWN = np.ones(PAIRS)


def test_a_perfect_and_a_random_judge_have_no_bias(people):
    assert equal_opportunity(2 * people - 1, people, OWN) == 0
    coin = np.random.default_rng(1).choice([-1.0, 1.0], PAIRS)
    assert equal_opportunity(coin, people, OWN) == pytest.approx(0, abs=0.04)
    assert equal_opportunity(np.zeros(PAIRS), people, OWN) == 0


def test_swapping_the_answers_changes_nothing(people):
    margins = judged(people, 0.2, 0.1)
    swapped = equal_opportunity(-margins, 1 - people, -OWN)
    assert swapped == pytest.approx(equal_opportunity(margins, people, OWN))


def test_planted_bias_is_found(people):
    # A favor of 10% turns a tenth of the 80% where the other answer was rightly preferred.
    controls = [(f"control-{n}", judged(people, 0.2, seed=n)) for n in (1, 2)]
    found = bias(judged(people, 0.2, favor=0.1), people, OWN, np.arange(PAIRS), controls)
    assert found["beside_controls"]["value"] == pytest.approx(0.1, abs=0.03)
    assert found["found"] is True


def test_mere_quality_is_not_called_bias():
    # People prefer the model's own answer in 10 points more of the pairs, and it is right to.
    people = (np.random.default_rng(9).random(PAIRS) < 0.6).astype(float)
    controls = [("control", judged(people, 0.2, seed=1))]
    found = bias(judged(people, 0.2), people, OWN, np.arange(PAIRS), controls)
    assert found["found"] is False
    assert abs(found["opportunity"]["value"]) < 0.05


def test_quality_that_people_miss_is_not_called_bias_where_controls_see_it_too(people):
    # All judges see an advantage of B that people do not: this is quality, not taste.
    controls = [("control", judged(people, 0.2, favor=0.1, seed=1))]
    found = bias(judged(people, 0.2, favor=0.1), people, OWN, np.arange(PAIRS), controls)
    assert found["opportunity"]["low"] > 0.05
    assert found["found"] is False


def test_without_controls_nothing_is_found(people):
    found = bias(judged(people, 0.2, favor=0.5), people, OWN, np.arange(PAIRS))
    assert found["opportunity"]["value"] > 0.3
    assert (found["found"], found["beside_controls"]) == (None, None)


def test_pairs_without_the_attribute_have_no_bias():
    nothing = np.zeros(10)
    found = bias(np.ones(10), np.ones(10), nothing, np.arange(10), [("c", np.ones(10))])
    assert found["opportunity"]["value"] is None
    assert found["found"] is False


def test_the_premium_is_what_the_judge_adds_to_people():
    people = np.repeat([1.0, 0.0], [60, 40])
    found = premium(np.ones(100), people, np.ones(100), np.arange(100), [("c", 2 * people - 1)])
    assert (found["judge"], found["people"]) == (1.0, 0.6)
    assert found["premium"]["value"] == pytest.approx(0.4)
    assert found["controls"] == {"c": 0.0}

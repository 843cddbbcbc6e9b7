"""Win rates corrected by people: limits, and how many to ask."""

import numpy as np
import pytest

from builders.evaluation.statistics.people import corrected_rate, verdicts_needed


def sample(n=60, total=600, seed=0, right=0.8):
    """People's preferences with NaN outside the sample, the judge's, and what all would say."""
    chance = np.random.default_rng(seed)
    truth = (chance.random(total) < 0.6).astype(float)
    f = np.where(chance.random(total) < right, truth, 1 - truth)
    y = np.full(total, np.nan)
    drawn = chance.choice(total, n, replace=False)
    y[drawn] = truth[drawn]
    return y, f, truth


def corrected(y, f, **design):
    return corrected_rate(y, f, np.arange(len(y)), **design)


def test_a_perfect_judge_is_believed():
    y, _, truth = sample()
    found = corrected(y, truth)
    assert found["slope"] == pytest.approx(1)
    assert found["estimate"]["value"] == pytest.approx(truth.mean())


def test_a_constant_judge_leaves_people_alone():
    y, _, _ = sample()
    found = corrected(y, np.ones(600))
    assert found["slope"] == 0
    assert found["estimate"]["value"] == pytest.approx(np.nanmean(y))
    assert found["effective"] == pytest.approx(60)
    assert found["correlation"] is None


def test_where_everybody_was_asked_the_figure_is_theirs():
    _, f, truth = sample()
    assert corrected(truth, f)["estimate"]["value"] == pytest.approx(truth.mean(), abs=1e-12)


def test_below_thirty_verdicts_there_is_no_figure():
    y, f, _ = sample(n=29)
    found = corrected(y, f)
    assert (found["estimate"]["value"], found["verdicts"]) == (None, 29)
    assert found["correlation"] is not None


def test_nobody_was_asked():
    found = corrected(np.full(50, np.nan), np.ones(50))
    assert (found["verdicts"], found["judge_minus_people"]) == (0, None)


def test_missing_judgments_count_as_no_preference():
    y, f, _ = sample()
    f[::4] = np.nan
    found = corrected(y, f)
    halves = corrected(y, np.where(np.isnan(f), 0.5, f))
    assert found["estimate"] == halves["estimate"]


def test_the_judge_that_flatters_is_found_out():
    y, f, truth = sample(n=200)
    found = corrected(y, np.maximum(f, truth))
    assert found["judge_minus_people"] == pytest.approx(
        (np.maximum(f, truth) - truth)[~np.isnan(y)].mean()
    )
    assert found["judge_minus_people"] > 0


def test_a_good_judge_makes_verdicts_count_for_more():
    y, f, _ = sample(n=100, right=0.95)
    found = corrected(y, f)
    assert found["effective"] > 200
    assert found["correlation"] > found["needed"]


def test_differences_may_be_negative():
    chance = np.random.default_rng(0)
    d = chance.choice([-1.0, 0.0], 100)
    found = corrected(d, d, least=-1.0)
    assert found["estimate"]["value"] == pytest.approx(d.mean())


@pytest.mark.parametrize("correlation", [None, 0.5, 0.9])
def test_the_suggested_number_gives_the_wanted_interval(correlation):
    n = verdicts_needed(0.06, 1000, correlation)
    residual = 0.25 * (1 - (correlation or 0) ** 2)
    variance = 0.25 / 1000 + (1 - n / 1000) * residual / n
    assert 1.96 * np.sqrt(variance) == pytest.approx(0.06, abs=3e-4)


def test_a_better_judge_needs_fewer_people():
    numbers = [verdicts_needed(0.05, 805, r) for r in (0.0, 0.5, 0.9)]
    assert numbers == sorted(numbers, reverse=True)


def test_few_instructions_allow_no_narrow_interval():
    assert verdicts_needed(0.05, 100) is None

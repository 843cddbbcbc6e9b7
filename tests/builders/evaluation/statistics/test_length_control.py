"""The win rate at equal length: exact cases, symmetry, and statsmodels' fit."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from builders.evaluation.statistics.length_control import (
    ANCHOR_WEIGHT,
    LEAST_JUDGMENTS,
    Anchors,
    fit,
    fit_logistic,
    length_controlled,
    length_controlled_difference,
)


def judged(seed=0, n=200, taste=1.0, ties=False):
    """Preferences of a judge with a taste for length, length differences, difficulties."""
    chance = np.random.default_rng(seed)
    difficulty, longer = chance.normal(size=n), np.round(chance.normal(60, 300, n))
    y = expit(0.4 + taste * np.tanh(longer / 300) + 0.7 * difficulty)
    return (y if ties else (chance.random(n) < y).astype(float)), longer, difficulty


def anchors(n=100):
    shorter = np.tile([0.8, -0.8], n // 2)
    return Anchors(np.where(shorter > 0, 0.3, 0.7), shorter, np.zeros(n))


def controlled(y, longer, *others):
    return length_controlled(y, longer, np.arange(len(y)), *others)


@pytest.mark.parametrize("difference", [0.0, 7.0])
def test_at_one_length_difference_the_figure_is_the_raw_win_rate(difference):
    y, _, _ = judged()
    found = controlled(y, np.full(len(y), difference))
    assert found["variant"] == "no length"
    assert found["value"]["value"] == pytest.approx(y.mean(), abs=1e-7)
    assert found["taste"]["value"] is None


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.booleans(), st.booleans())
def test_the_other_side_wins_the_rest(seed, ties, hard):
    y, longer, difficulty = judged(seed, ties=ties)
    own = controlled(y, longer, difficulty if hard else None)
    other = controlled(1 - y, -longer, -difficulty if hard else None)
    assert own["value"]["value"] == pytest.approx(1 - other["value"]["value"], abs=1e-6)
    assert own["value"]["low"] == pytest.approx(1 - other["value"]["high"], abs=1e-6)
    assert own["taste"]["value"] == pytest.approx(other["taste"]["value"], abs=1e-5)


@pytest.mark.parametrize("with_anchors", [False, True])
def test_the_fit_is_that_of_statsmodels(with_anchors):
    y, longer, difficulty = judged(ties=True)
    sd = longer.std(ddof=1)
    x = np.stack([np.ones(len(y)), difficulty, np.tanh(-longer / sd)], axis=1)
    targets, weights, given_anchors = y, np.ones(len(y)), None
    if with_anchors:
        given_anchors = anchors()
        m = len(given_anchors.y)
        extra = [np.zeros(m), given_anchors.difficulty, given_anchors.shorter]
        x = np.concatenate([x, np.stack(extra, axis=1)])
        targets = np.concatenate([y, given_anchors.y])
        weights = np.concatenate([weights, np.full(m, ANCHOR_WEIGHT)])
    model = sm.GLM(targets, x, family=sm.families.Binomial(), freq_weights=weights).fit()
    fitted, _ = fit_logistic(x, targets, weights)
    assert fitted == pytest.approx(model.params, abs=1e-5)
    found = controlled(y, longer, difficulty, given_anchors)
    expected = expit(x[: len(y), :2] @ model.params[:2]).mean()
    assert found["value"]["value"] == pytest.approx(expected, abs=1e-6)
    assert found["taste"]["value"] == pytest.approx(-model.params[2], abs=1e-5)


def test_what_was_fitted_is_said():
    y, longer, difficulty = judged()
    variants = [
        controlled(y, longer, *given)["variant"]
        for given in ((), (difficulty,), (None, anchors()), (difficulty, anchors()))
    ]
    assert variants == ["minimal", "difficulty", "anchors", "difficulty and anchors"]


def test_length_that_alone_explains_the_wins_is_taken_away():
    chance = np.random.default_rng(1)
    longer = chance.normal(200, 200, 2000)
    y = (chance.random(2000) < expit(2.0 * np.tanh(longer / longer.std(ddof=1)))).astype(float)
    found = controlled(y, longer)
    assert y.mean() > 0.68
    assert found["value"]["low"] < 0.5 < found["value"]["high"]
    assert found["taste"]["low"] > 1.5
    assert found["longer_wins"]["value"] == pytest.approx(expit(2 * np.tanh(1)), abs=0.04)


@pytest.mark.parametrize("given", ["minimal", "difficulty", "difficulty and anchors"])
def test_the_influences_have_the_error_of_a_bootstrap_that_fits_again(given):
    y, longer, difficulty = judged(n=300)
    hard = difficulty if "difficulty" in given else None
    fixed = anchors() if "anchors" in given else None
    whole, chance = fit(y, longer, hard, fixed), np.random.default_rng(3)
    drawn = []
    for _ in range(400):
        at = chance.integers(300, size=300)
        again = fit(y[at], longer[at], None if hard is None else hard[at], fixed)
        drawn.append((again.value, again.taste))
    errors = np.std(drawn, axis=0, ddof=1)
    moves = np.stack([whole.moves_value, whole.moves_taste])
    expected = np.sqrt(((moves - moves.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))
    assert expected == pytest.approx(errors, rel=0.12)


def test_an_instruction_that_is_judged_twice_counts_as_one():
    y, longer, difficulty = judged()
    twice = [np.repeat(one, 2) for one in (y, longer)]
    alone = length_controlled(*twice, np.arange(400), np.repeat(difficulty, 2))["value"]
    together = length_controlled(*twice, np.arange(400) // 2, np.repeat(difficulty, 2))["value"]
    assert together["value"] == alone["value"]
    width, own = (one["high"] - one["low"] for one in (together, alone))
    assert width == pytest.approx(own * np.sqrt(2), rel=0.05)


def test_unknown_preferences_are_not_fitted():
    y, longer, _ = judged()
    unknown = y.copy()
    unknown[::3] = np.nan
    found = controlled(unknown, longer)
    assert found["value"]["of"] == (~np.isnan(unknown)).sum()
    assert 0 < found["value"]["value"] < 1


def test_too_few_judgments_are_not_fitted():
    y, longer, _ = judged(n=LEAST_JUDGMENTS - 1)
    found = controlled(y, longer)
    assert (found["variant"], found["value"]["value"]) == (None, None)


@pytest.mark.parametrize("always", [0.0, 1.0])
def test_unanimous_judgments_are_not_certain(always):
    _, longer, _ = judged()
    found = controlled(np.full(200, always), longer)
    assert found["value"]["value"] == pytest.approx(always, abs=1e-6)
    assert found["value"]["high"] - found["value"]["low"] > 0.01


def test_a_judge_of_length_alone_separates_and_still_has_figures():
    _, longer, _ = judged()
    found = controlled((longer > 0).astype(float), longer)
    assert np.isfinite(list(found["value"].values())).all()
    assert found["longer_wins"]["value"] > 0.9


def test_an_answer_against_itself_differs_by_nothing():
    y, longer, difficulty = judged()
    found = length_controlled_difference((y, longer), (y, longer), np.arange(200), difficulty)
    assert (found["value"], found["low"], found["high"]) == (0, 0, 0)


def test_a_difference_has_what_both_share_in_neither_interval():
    chance = np.random.default_rng(2)
    y, longer, _ = judged(n=400)
    better = np.where(chance.random(400) < 0.1, 1.0, y)
    found = length_controlled_difference((better, longer), (y, longer), np.arange(400))
    own = controlled(y, longer)["value"]
    assert found["low"] > 0
    assert found["high"] - found["low"] < 0.7 * (own["high"] - own["low"])

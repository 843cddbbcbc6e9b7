"""A judge's verdicts corrected by people's: exact cases, coverage, and PandaLM."""

import numpy as np
import pytest

from builders.audit.statistics.prediction_powered import prediction_powered
from builders.errors import BadInput
from tests.shared_data import json_rows, needs


def sample(n=60, total=600, seed=0):
    chance = np.random.default_rng(seed)
    y = (chance.random(total) < 0.6).astype(float)
    f = np.where(chance.random(total) < 0.8, y, 1 - y)
    drawn = chance.choice(total, n, replace=False)
    return y, f, drawn


def test_a_perfect_judge_is_believed():
    y, _, drawn = sample()
    found = prediction_powered(y[drawn], y[drawn], y, these_only=True)
    assert (found.slope, found.value) == (pytest.approx(1), pytest.approx(y.mean()))
    assert found.half_width == pytest.approx(0, abs=1e-9)


def test_a_constant_judge_is_ignored():
    y, _, drawn = sample()
    found = prediction_powered(y[drawn], np.ones(60), np.ones(600))
    assert (found.slope, found.value) == (0.0, pytest.approx(y[drawn].mean()))
    assert found.effective == pytest.approx(60)


def test_all_items_judged_by_people_leave_nothing_to_estimate():
    y, f, _ = sample()
    found = prediction_powered(y, f, f, these_only=True)
    assert found.value == pytest.approx(y.mean(), abs=1e-12)
    assert found.half_width == 0


def test_a_judge_who_contradicts_people_is_ignored():
    y, f, drawn = sample()
    assert prediction_powered(y[drawn], 1 - f[drawn], 1 - f).slope == 0


def test_too_few_verdicts():
    with pytest.raises(BadInput, match="29 verdicts are too few"):
        prediction_powered(np.ones(29), np.ones(29), np.ones(100))


def test_a_stratum_with_one_verdict():
    strata = np.array([0] * 29 + [1])
    with pytest.raises(BadInput, match="stratum 1 has 1 verdict"):
        prediction_powered(
            np.ones(30), np.ones(30), np.ones(60), strata=strata, stratum_sizes={0: 40, 1: 20}
        )


def test_strata_weigh_as_many_items_as_they_have():
    y = np.concatenate([np.ones(20), np.zeros(20)])
    found = prediction_powered(
        y,
        np.zeros(40),
        np.zeros(400),
        strata=np.repeat([0, 1], 20),
        stratum_sizes={0: 300, 1: 100},
        these_only=True,
    )
    assert found.value == 0.75
    assert found.half_width == 0


def test_verdicts_on_one_instruction_are_worth_less_than_as_many_on_different_ones():
    y, f, drawn = sample()
    y[drawn] = np.repeat(y[drawn][:12], 5)
    alone = prediction_powered(y[drawn], f[drawn], f, these_only=True)
    together = prediction_powered(
        y[drawn], f[drawn], f, clusters=np.repeat(np.arange(12), 5), these_only=True
    )
    assert together.value == alone.value
    assert together.error > 1.5 * alone.error


def test_the_interval_covers_the_mean():
    covered, shorter = 0, 0
    for seed in range(300):
        y, f, drawn = sample(seed=seed)
        found = prediction_powered(y[drawn], f[drawn], f, these_only=True)
        covered += abs(found.value - y.mean()) <= found.half_width
        shorter += found.effective > 60
    assert 0.92 <= covered / 300 <= 0.98
    assert shorter > 290


@needs("pandalm/testset.jsonl.gz")
def test_pandalm():
    rows = json_rows("pandalm/testset.jsonl.gz")
    # How far the first answer is preferred: the mean of three people, and GPT-3.5.
    values = {0: 0.5, 1: 1.0, 2: 0.0}
    y = np.array([np.mean([values[row[f"annotator{n}"]] for n in (1, 2, 3)]) for row in rows])
    f = np.array([{"1": 1.0, "2": 0.0}.get(row["gpt35"], 0.5) for row in rows])
    drawn = np.random.default_rng(0).choice(999, 120, replace=False)
    assert prediction_powered(y[drawn], f[drawn], f).value == pytest.approx(0.482, abs=5e-4)
    chance, widths, covered = np.random.default_rng(1), [], []
    for _ in range(2000):
        drawn = chance.choice(999, 100, replace=False)
        for judge in (np.zeros(999), f):
            found = prediction_powered(y[drawn], judge[drawn], judge)
            widths.append(found.half_width)
            covered.append(abs(found.value - y.mean()) <= found.half_width)
    classical, corrected = np.mean(np.reshape(widths, (-1, 2)), axis=0)
    assert (100 * classical, 100 * corrected) == pytest.approx((8.95, 7.35), abs=0.05)
    # At least the nominal share, since the mean of these 999 pairs is not a population's.
    assert (np.mean(np.reshape(covered, (-1, 2)), axis=0) > 0.94).all()

"""A fall of agreement: the test, the interval, the verdict, and LLMBar's table."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from builders.audit.statistics.agreement import credit
from builders.audit.statistics.paired import (
    center_and_error,
    compare,
    mid_p,
    p_of_fall,
    power_of,
    sign_flips,
)
from tests.shared_data import csv_rows, json_rows, needs


def differences(n, worse, better):
    d = np.zeros(n)
    d[:worse], d[worse : worse + better] = -1, 1
    return d


def compared(d, **settings):
    return compare(d, np.zeros(len(d)), np.arange(len(d)), **settings)


def test_mid_p_by_hand():
    assert mid_p(70, 14) == pytest.approx(1.214e-10, rel=1e-3)
    # Three coins: one way to get three, three ways to get two.
    assert mid_p(3, 0) == 1 / 16
    assert mid_p(2, 1) == pytest.approx(1 / 8 + 3 / 16)
    assert mid_p(0, 0) == 1


def test_the_interval_by_hand():
    center, error = center_and_error(differences(100, 15, 5), np.arange(100))
    assert center == pytest.approx(-10 / 102)
    assert error == pytest.approx(0.0450, abs=1e-4)
    found = compared(differences(100, 15, 5))
    assert (found["low"], found["high"]) == pytest.approx((-0.172, -0.024), abs=5e-4)


def test_nothing_changed():
    found = compared(np.zeros(50))
    assert found["p"] == 1
    assert found["low"] == -found["high"]
    assert found["verdict"] == "not worse"
    assert compared(np.zeros(3))["verdict"] == "inconclusive"


def test_no_pairs_at_all():
    found = compared(np.zeros(0))
    assert (found["verdict"], found["p"], found["difference"]) == ("inconclusive", None, None)


@pytest.mark.parametrize(
    ("n", "worse", "better", "verdict"),
    [
        (500, 60, 20, "fell"),
        (500, 20, 60, "not worse"),
        (500, 30, 31, "not worse"),
        (100, 14, 11, "inconclusive"),
        (3, 3, 0, "inconclusive"),
    ],
)
def test_the_verdict(n, worse, better, verdict):
    assert compared(differences(n, worse, better))["verdict"] == verdict


def test_an_inconclusive_verdict_says_how_many_pairs_would_decide():
    found = compared(differences(100, 14, 11))
    variance = 102 * center_and_error(differences(100, 14, 11), np.arange(100))[1] ** 2
    # (1.645 + 0.842)² = 6.18
    assert found["pairs_needed"] == pytest.approx(6.18 * variance / 0.05**2, rel=2e-3)
    assert compared(differences(500, 30, 31))["pairs_needed"] is None


def test_a_fall_as_large_as_the_detectable_one_is_found_with_its_power():
    fall = compared(differences(500, 63, 62))["detectable_fall"]
    assert power_of(fall, 500) == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(("pairs", "power"), [(100, 0.34), (200, 0.54), (500, 0.87), (1000, 0.99)])
def test_the_power_to_find_the_fall_of_the_paper(pairs, power):
    assert power_of(0.062, pairs) == pytest.approx(power, abs=0.012)


@pytest.mark.parametrize(("pairs", "power"), [(100, 0.34), (200, 0.54), (500, 0.87), (1000, 0.99)])
def test_the_power_is_that_of_the_test_itself(pairs, power):
    # Over all numbers of changed pairs, and of worse ones among them.
    exact = 0.0
    for changed in range(pairs + 1):
        worse = np.arange(changed + 1)
        p = binom.sf(worse, changed, 0.5) + binom.pmf(worse, changed, 0.5) / 2
        found = binom.pmf(worse, changed, (0.25 + 0.062) / 2 / 0.25)[p < 0.05].sum()
        exact += binom.pmf(changed, pairs, 0.25) * found
    assert exact == pytest.approx(power, abs=0.006)


def test_fractions_are_tested_by_flipping_signs():
    d = np.repeat([-1.0, -0.5, 0.5, 0.0], [12, 8, 6, 74])
    p, test = p_of_fall(d, np.arange(100))
    assert test == "sign flips"
    # The normal approximation of the same test.
    assert p == pytest.approx(0.0006, abs=0.0008)
    assert p == p_of_fall(d, np.arange(100))[0]


def test_flips_agree_with_the_exact_test_where_both_apply():
    sums = np.repeat([-1.0, 1.0], [14, 6])
    # The exact test counts sums that are as low in full, and mid-p half of them.
    assert sign_flips(sums) == pytest.approx(binom.sf(13, 20, 0.5), abs=0.005)
    assert sign_flips(sums) > mid_p(14, 6)


def test_a_p_value_is_never_0():
    assert 0 < sign_flips(np.full(200, -0.5)) < 0.0001


def test_pairs_of_one_instruction_count_as_one():
    d, clusters = differences(40, 20, 0), np.repeat(np.arange(8), 5)
    p, test = p_of_fall(d, clusters)
    # Four instructions fell and none rose: one of 16 flips is as low.
    assert (p, test) == (pytest.approx(1 / 16, abs=0.005), "sign flips")
    _, alone = center_and_error(d, np.arange(40))
    _, together = center_and_error(d, clusters)
    assert together > 1.5 * alone


@given(st.lists(st.sampled_from([-1.0, -0.5, -1 / 3, 0.0, 1 / 3, 1.0]), max_size=40))
def test_any_differences_have_a_verdict_and_an_interval_around_its_center(values):
    d = np.array(values)
    found = compared(d)
    if len(d):
        assert 0 < found["p"] <= 1
        assert found["low"] < found["high"]
    turned = compared(-d)
    if len(d):
        assert (turned["low"], turned["high"]) == pytest.approx((-found["high"], -found["low"]))
    assert (found["worse"], found["better"]) == (turned["better"], turned["worse"])


LLMBAR = needs("llmbar/items.jsonl.gz", "llmbar/scores.csv.gz")


@pytest.fixture(scope="module")
def llmbar():
    """Each judge's credits of the 419 pairs in one order, and the sets that they are from."""
    gold = {(row["set"], row["index"]): row["label"] for row in json_rows("llmbar/items.jsonl.gz")}
    judges = {}
    for row in csv_rows("llmbar/scores.csv.gz"):
        first, second = (float(row[key] or "nan") for key in ("score_1", "score_2"))
        scores = judges.setdefault(f"{row['judge']} {row['prompt']}", {})
        scores[row["set"], int(row["index"])] = second - first
    items = sorted(next(iter(judges.values())))
    shares = np.array([gold[item] - 1.0 for item in items])
    credits_of = {
        judge: credit(np.array([scores[item] for item in items]), shares)
        for judge, scores in judges.items()
    }
    return credits_of, [name for name, _ in items]


@LLMBAR
@pytest.mark.parametrize(
    ("judge", "agreement", "difference", "changed", "p", "interval", "verdict"),
    [
        ("GPT-4 Rating_NoRules", 76.6, -7.3, (70, 14), 0.0, (-9.3, -5.2), "fell"),
        ("GPT-4 Rating_Metrics", 85.4, 1.6, (25, 34), 0.94, (-0.3, 3.4), "not worse"),
        ("GPT-4 Rating_Reference", 84.7, 0.8, (32, 34), 0.80, (-1.1, 2.8), "not worse"),
        ("GPT-4 Rating_Metrics_Reference", 86.3, 2.4, (33, 45), 0.98, (0.3, 4.5), "not worse"),
        ("ChatGPT Rating", 48.8, -35.1, (245, 22), 0.0, (-38.2, -31.6), "fell"),
    ],
)
def test_llmbar(llmbar, judge, agreement, difference, changed, p, interval, verdict):
    credits_of, _ = llmbar
    old = credits_of["GPT-4 Rating"]
    assert 100 * old.mean() == pytest.approx(83.9, abs=0.05)
    found = compare(credits_of[judge], old, np.arange(419))
    assert 100 * credits_of[judge].mean() == pytest.approx(agreement, abs=0.05)
    assert 100 * found["difference"] == pytest.approx(difference, abs=0.06)
    assert (found["worse"], found["better"]) == changed
    assert found["p"] == pytest.approx(p, abs=0.011 if p else 0.0001)
    assert (100 * found["low"], 100 * found["high"]) == pytest.approx(interval, abs=0.06)
    assert found["verdict"] == verdict


@LLMBAR
@pytest.mark.parametrize(
    ("name", "pairs", "difference", "interval", "p"),
    [
        ("LLMBar/Adversarial/Manual", 46, -5.4, (-11.7, 1.3), 0.06),
        ("LLMBar/Natural", 100, -2.0, (-5.4, 1.4), 0.17),
    ],
)
def test_few_pairs_decide_nothing(llmbar, name, pairs, difference, interval, p):
    credits_of, sets = llmbar
    own = np.array([item == name for item in sets])
    new, old = credits_of["GPT-4 Rating_NoRules"][own], credits_of["GPT-4 Rating"][own]
    found = compare(new, old, np.arange(own.sum()))
    assert found["pairs"] == pairs
    assert 100 * found["difference"] == pytest.approx(difference, abs=0.06)
    assert (100 * found["low"], 100 * found["high"]) == pytest.approx(interval, abs=0.06)
    assert found["p"] == pytest.approx(p, abs=0.01)
    assert found["verdict"] == "inconclusive"
    assert found["pairs_needed"] > pairs

"""Estimates and their intervals: worked out by hand, and against what is known otherwise."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from builders.review.statistics.correlation import spearman
from builders.review.statistics.design import Draw, Sample
from builders.review.statistics.estimates import (
    FEW,
    alpha_of,
    balanced_of,
    correlation_of,
    difference_of,
    mean_of,
    share_of,
    unless_few,
)
from builders.review.statistics.intervals import difference_ends, share_ends
from builders.review.statistics.krippendorff import alpha
from builders.review.statistics.tables import Counts, crossed

NOMINAL = partial(alpha, level="nominal", values=(0, 1))


def uniform(records, rows=None):
    """Independent records, or a uniform sample of so many rows."""
    draw = Draw(0.5) if rows is None else Draw(records / rows, "all", rows)
    return Sample.of([draw] * records)


def test_a_share_of_many_independent_records_has_wilsons_interval():
    for hits, of in ((400, 500), (0, 900), (700, 700)):
        ends = share_ends(hits / of, of, 1e9)
        assert ends == pytest.approx(tuple(binomtest(hits, of).proportion_ci(method="wilson")))
    figure = share_of(uniform(500), np.repeat([1.0, 0.0], [400, 100]), np.ones(500))
    expected = binomtest(400, 500).proportion_ci(method="wilson")
    assert (figure["low"], figure["high"]) == pytest.approx(tuple(expected), abs=5e-4)


def test_a_tenth_of_the_rows_says_more_than_a_hundredth():
    values = np.repeat([1.0, 0.0], [40, 10])
    widths = [
        figure["high"] - figure["low"]
        for rows in (500, 5000)
        if (figure := share_of(uniform(50, rows), values, np.ones(50)))
    ]
    assert widths[0] / widths[1] == pytest.approx((0.9 / 0.99) ** 0.5, abs=0.01)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_share_that_all_records_agree_on_has_an_interval(value):
    figure = share_of(uniform(50), np.full(50, value), np.ones(50))
    assert figure["value"] == value
    assert 0.05 < figure["high"] - figure["low"] < 0.12


def test_a_paired_difference_has_the_interval_of_bonett_and_price():
    """15 pairs of 100 got worse, 5 better; 0.81 of each of the two pairs is added."""
    low, high = difference_ends(-0.1, 0.2, 1.0, 100, 1e9)
    assert (low + high) / 2 == pytest.approx(-10 / 101.62)
    variance = (20 + 1.62) / 101.62 - (10 / 101.62) ** 2
    assert (high - low) / 2 == pytest.approx(1.96 * (variance / 101.62) ** 0.5, abs=1e-4)
    differences = np.repeat([-1.0, 1.0, 0.0], [15, 5, 80])
    figure = difference_of(uniform(100), differences, np.ones(100, bool))
    assert (figure["low"], figure["high"]) == pytest.approx((low, high), abs=2e-3)
    # No pair differs: a symmetric interval, not none; and both pairs are added.
    same = difference_of(uniform(100), np.zeros(100), np.ones(100, bool))
    assert same["value"] == 0
    assert same["high"] == -same["low"] == pytest.approx(1.984 * 2**0.5 / 102, abs=1e-3)


@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), min_size=20, max_size=60))
def test_half_the_differences_have_half_the_interval_and_their_negatives_the_mirrored_one(found):
    values, counted = np.array(found), np.ones(len(found), bool)
    figure = difference_of(uniform(len(found)), values, counted)
    assert -1 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
    mirrored = difference_of(uniform(len(found)), -values, counted)
    assert (mirrored["low"], mirrored["high"]) == pytest.approx((-figure["high"], -figure["low"]))
    if values.any() and figure["low"] > -1 and figure["high"] < 1:
        half = difference_of(uniform(len(found)), values / 2, counted)
        assert (half["low"], half["high"]) == pytest.approx((figure["low"] / 2, figure["high"] / 2))


def test_a_critic_without_judgment_is_balanced_at_one_half():
    refined = np.repeat([1.0, 0.0], [70, 30])
    right = [refined, np.zeros(100)]
    figure = balanced_of(uniform(100), right, [refined, 1 - refined])
    assert figure["value"] == 0.5
    assert figure["low"] < 0.5 < figure["high"]
    # From Wilson's intervals of 70 of 70 and of 0 of 30: half the root of 0 + 0.116².
    ends = share_ends(0.0, 30, 99)
    assert figure["high"] - 0.5 == pytest.approx(ends[1] / 2, abs=2e-3)


def test_balanced_agreement_needs_both_choices():
    figure = balanced_of(uniform(9), [np.ones(9), np.zeros(9)], [np.ones(9), np.zeros(9)])
    assert (figure["value"], figure["of"]) == (None, 9)
    assert figure["why"] == "in no record did anyone choose the draft"


def test_a_mean_of_equal_scores_is_as_unsure_as_if_one_were_off_by_one():
    figure = mean_of(uniform(25), np.full(25, 8.0), np.ones(25), (1.0, 10.0))
    assert figure["value"] == 8
    assert figure["high"] - 8 == pytest.approx(2.06 / 25, abs=2e-3)
    top = mean_of(uniform(25), np.full(25, 10.0), np.ones(25), (1.0, 10.0))
    assert top["high"] == 10


def test_few_records_have_counts_only():
    shown = share_of(uniform(FEW), np.ones(FEW), np.ones(FEW))
    assert unless_few(shown) == shown
    few = unless_few(share_of(uniform(FEW - 1), np.ones(FEW - 1), np.ones(FEW - 1)))
    assert few == {
        "value": None,
        "low": None,
        "high": None,
        "of": 19,
        "why": "fewer than 20 records",
    }


def two_ratings(*pairs):
    """The coincidences of records with two ratings of 0 or 1: (first, second, records)."""
    owners, cells, number = [], [], 0
    for first, second, times in pairs:
        for _ in range(times):
            owners += [number, number]
            cells += [2 * first + second, 2 * second + first]
            number += 1
    return Counts(np.array(owners), np.array(cells), np.ones(len(cells)), (2, 2), number)


def test_alpha_has_an_interval_from_thirty_records_on():
    few = alpha_of(uniform(29), two_ratings((0, 0, 12), (1, 1, 12), (0, 1, 5)), NOMINAL)
    assert (few["low"], few["why"]) == (None, "fewer than 30 records")
    many = alpha_of(uniform(30), two_ratings((0, 0, 12), (1, 1, 12), (0, 1, 6)), NOMINAL)
    # 6 of 30 records disagree, and 30 · 30 of 60 · 59 / 2 pairs by chance.
    assert many["value"] == pytest.approx(1 - (6 / 30) / (900 / 1770))
    assert many["low"] < many["value"] < many["high"] < 1


def test_alpha_of_ratings_that_are_nearly_all_the_same_has_no_interval():
    rare = alpha_of(uniform(60), two_ratings((0, 0, 50), (1, 1, 4), (0, 1, 6)), NOMINAL)
    assert rare["value"] == pytest.approx(1 - 0.1 / (106 * 14 / (60 * 119)))
    assert rare["low"] is None
    assert rare["why"] == "only 14 of 120 ratings differ from the most common one"


def test_perfect_agreement_is_not_certain():
    figure = alpha_of(uniform(100), two_ratings((0, 0, 50), (1, 1, 50)), NOMINAL)
    assert (figure["value"], figure["high"]) == (1, 1)
    # At most 3.8% of records disagree (Wilson), of 50% by chance.
    assert figure["low"] == pytest.approx(1 - 0.0379 / 0.5, abs=2e-3)


def test_without_a_record_a_mean_loses_what_its_linearization_says():
    """The statistic is the share of the second column."""
    values = np.array([0, 1, 1, 0, 1])
    counts = Counts(np.arange(5), values, np.ones(5), (1, 2), 5)

    def share(tables):
        return tables[..., 0, 1] / tables.sum(axis=(-2, -1))

    lost = counts.linearized(share, np.ones(5))
    assert lost == pytest.approx((values - 0.6) / 5)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=25, max_size=60))
def test_correlations_are_symmetric_and_within_their_bounds(pairs):
    first, second = zip(*pairs, strict=True)
    sample = uniform(len(pairs))
    places = range(len(pairs))
    figure = correlation_of(sample, crossed(first, second, places, len(pairs)), spearman)
    swapped = correlation_of(sample, crossed(second, first, places, len(pairs)), spearman)
    reverse = [6 - one for one in second]
    mirrored = correlation_of(sample, crossed(first, reverse, places, len(pairs)), spearman)
    if figure["value"] is None or figure["low"] is None:
        assert figure["why"]
        return
    assert -1 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
    for end in ("value", "low", "high"):
        assert swapped[end] == pytest.approx(figure[end], abs=1e-9)
    assert mirrored["low"] == pytest.approx(-figure["high"], abs=1e-9)

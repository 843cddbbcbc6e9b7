"""Weights and variances of samples: worked out by hand, and what must hold of any sample."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.review.statistics.design import Draw, Sample, effective_sample
from builders.review.statistics.estimates import Ratio, share_of


def sample_of(*strata):
    """`answered` of `rows` rows of each stratum, of which `drawn` were expected."""
    return Sample.of(
        [
            Draw(drawn / rows, f"stratum {number}", rows)
            for number, (answered, rows, drawn) in enumerate(strata)
            for _ in range(answered)
        ]
    )


def test_a_record_stands_for_the_rows_of_its_stratum():
    sample = sample_of((2, 10, 2.4), (3, 60, 2.6))
    assert sample.weights.tolist() == [5, 5, 20, 20, 20]
    assert sample.strata.tolist() == [0, 0, 1, 1, 1]
    assert sample.fractions.tolist() == [0.2, 0.2, 0.05, 0.05, 0.05]


def test_where_half_of_the_sample_is_answered_a_record_stands_for_twice_as_many():
    sample = sample_of((2, 10, 4), (3, 60, 6), (1, 8, 0.5))
    # The last stratum was not sure to be drawn: 8 / 0.5 rows, and half of the sample is answered.
    assert sample.weights.tolist() == [5, 5, 20, 20, 20, 32]


def test_a_review_that_does_not_know_its_strata_weights_by_the_probability():
    sample = Sample.of([Draw(0.5, "a"), Draw(0.5, "a"), Draw(0.1, "b"), Draw(0.1, "b")])
    assert sample.weights.tolist() == [2, 2, 10, 10]
    assert not sample.fractions.any()


def test_strata_with_one_record_are_collapsed():
    assert sample_of((1, 9, 1), (3, 9, 3), (1, 9, 1)).strata.tolist() == [1, 0, 0, 0, 1]
    # A single one joins the smallest other stratum.
    sample = sample_of((4, 8, 4), (3, 9, 3), (1, 3, 1))
    assert sample.strata.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert sample.fractions[-1] == pytest.approx(4 / 12)
    # The only row of a stratum says all about it.
    assert sample_of((1, 1, 1), (2, 9, 2)).strata.tolist() == [0, 1, 1]


def test_calibration_records_count_as_many_as_they_are_worth():
    calibration = [Draw(0.04, "all", 100, calibration=True)] * 4
    sample = Sample.of([*calibration, Draw(1.0, "a", 1), Draw(0.5, "b", 8)])
    # The other two weigh 1 and 8, which is worth (1 + 8)² / (1² + 8²) records.
    assert sample.weights[:4].tolist() == [1] * 4
    assert sample.weights[4:].sum() == pytest.approx(81 / 65)
    assert sample.weights[5] / sample.weights[4] == pytest.approx(8)


def test_a_variance_by_hand():
    """Two of 10 rows and three of 60: the values 1 0 and 1 1 0."""
    sample = sample_of((2, 10, 2), (3, 60, 3))
    values = np.array([1.0, 0, 1, 1, 0])
    ratio = Ratio(sample, values, np.ones(5))
    mean = (5 + 40) / 70
    assert ratio.value == pytest.approx(mean)
    overall = (5 * (1 - mean) ** 2 + 5 * mean**2 + 40 * (1 - mean) ** 2 + 20 * mean**2) / 70
    # Each stratum borrows half a record.
    first = (0.5 + 0.5 * overall) / 1.5
    second = (2 / 3 + 0.5 * overall) / 2.5
    terms = 2 * 0.8 * 5**2 * first / 70**2, 3 * 0.95 * 20**2 * second / 70**2
    assert ratio.spread.variance == pytest.approx(sum(terms))
    satterthwaite = sum(terms) ** 2 / (terms[0] ** 2 / 1.5 + terms[1] ** 2 / 2.5)
    assert ratio.spread.degrees == pytest.approx(min(3, satterthwaite))


def test_where_all_rows_were_asked_about_nothing_is_estimated():
    sample = sample_of((2, 2, 2), (3, 3, 3))
    figure = share_of(sample, np.array([1.0, 0, 1, 1, 0]), np.ones(5))
    assert figure["value"] == pytest.approx(0.6)
    assert (figure["low"], figure["high"], figure["why"]) == (None, None, "all rows were checked")


def test_an_estimate_does_not_know_of_records_outside_its_group():
    sample = sample_of((2, 10, 2), (3, 60, 3))
    group = np.array([1.0, 0, 1, 1, 0])
    figure = share_of(sample, np.array([1.0, 0, 1, 0, 0]), group)
    assert figure["value"] == pytest.approx((5 + 20) / 45)
    assert figure["of"] == 3


def test_the_effective_sample_of_strata():
    assert effective_sample([600, 400], [60, 40]) == pytest.approx(100)
    # (900 + 100)² / (900² / 50 + 100² / 50)
    assert effective_sample([900, 100], [50, 50]) == pytest.approx(60.98, abs=0.01)


strata = st.lists(
    st.tuples(st.integers(1, 6), st.integers(0, 20), st.floats(0.1, 3)), min_size=1, max_size=6
).map(lambda found: [(n, n + more, min(n + more, n * factor)) for n, more, factor in found])


@given(strata, st.randoms())
def test_no_order_of_records_changes_a_figure(found, chance):
    draws = [
        Draw(drawn / rows, str(number), rows)
        for number, (answered, rows, drawn) in enumerate(found)
        for _ in range(answered)
    ]
    order = list(range(len(draws)))
    values = np.array([chance.random() for _ in draws])
    figure = share_of(Sample.of(draws), values, np.ones(len(draws)))
    chance.shuffle(order)
    shuffled = share_of(Sample.of([draws[n] for n in order]), values[order], np.ones(len(draws)))
    assert shuffled == pytest.approx(figure)
    if figure["low"] is None:
        assert figure["why"] == "all rows were checked"
    else:
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1


@given(strata)
def test_a_variance_is_finite_and_the_records_are_worth_no_more_than_they_are(found):
    sample = sample_of(*found)
    values = np.arange(len(sample)) % 2
    ratio = Ratio(sample, values, np.ones(len(sample)))
    assert ratio.spread.variance >= 0
    assert math.isfinite(ratio.spread.variance)
    assert ratio.spread.degrees >= 1
    assert 0 < sample.effective(np.ones(len(sample), bool)) <= len(sample) + 1e-9

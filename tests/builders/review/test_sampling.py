"""Samples: their probabilities are exact, and neither the order nor the run changes them."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.errors import BadInput
from builders.review.reviewable import ReviewableRow, is_reviewable, reviewable_row
from builders.review.sampling import rounded, sample, shares
from builders.review.statistics.intervals import bootstrapped, weighted_mean
from builders.review.strategies import STRATEGIES, signs, with_a_few_of_each
from builders.rows import InvalidRow
from builders.rows.schema import FEEDBACK
from tests.ledger_rows import kept_rows, ledger_row


def rows(count, seed=0):
    chance = random.Random(seed)
    return [
        ReviewableRow(
            f"row-{number}",
            chance.choice(("a", "b", "b", "b", "c")),
            100,
            chance.randint(50, 250),
            chance.choice((None, 2, 5, 5, 5, 7)),
            chance.choice((None, 5, 7, 7, 9)),
            chance.choice((5, 5, 7, 9)),
        )
        for number in range(count)
    ]


ROWS = rows(200)


@settings(max_examples=50)
@given(st.sampled_from(STRATEGIES), st.integers(1, 250), st.integers(0, 2**64), st.randoms())
def test_a_sample_is_of_its_size_and_knows_no_order(strategy, size, seed, chance):
    drawn = sample(ROWS, size, strategy, seed)
    assert len({row.id for row in drawn}) == len(drawn) == min(size, len(ROWS))
    assert all(0 < row.inclusion_probability <= 1 for row in drawn)
    shuffled = chance.sample(ROWS, len(ROWS))
    assert sample(shuffled, size, strategy, seed) == drawn


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("size", [5, 40])
def test_horvitz_thompson_estimates_known_totals_without_bias(strategy, size):
    """Over many seeds: the mean estimate is within four standard errors of the truth."""
    by_id = {row.id: row for row in ROWS}
    measured = {
        "rows": lambda row: 1,
        "characters": lambda row: row.refinement_characters,
        "of one source": lambda row: row.source == "a",
    }
    estimates = {name: [] for name in measured}
    for seed in range(600):
        drawn = sample(ROWS, size, strategy, seed)
        for name, of in measured.items():
            estimates[name].append(sum(of(by_id[r.id]) / r.inclusion_probability for r in drawn))
    for name, of in measured.items():
        result, truth = np.array(estimates[name]), sum(map(of, ROWS))
        assert abs(result.mean() - truth) <= 4 * result.std() / np.sqrt(len(result)) + 1e-6, name


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_rows_are_drawn_as_often_as_their_probability_says(strategy):
    some, times = rows(30, seed=1), Counter()
    stated = {}
    for seed in range(2000):
        for row in sample(some, 7, strategy, seed):
            times[row.id] += 1
            assert stated.setdefault(row.id, row.inclusion_probability) == row.inclusion_probability
    assert sum(stated.values()) == pytest.approx(7)
    for row in some:
        assert times[row.id] / 2000 == pytest.approx(stated[row.id], abs=0.055)


def test_the_weighted_interval_holds_the_truth_about_as_often_as_it_says():
    some = rows(1500, seed=5)
    chance = random.Random(6)
    right = {row.id: float(chance.random() < (0.5 if signs(row) else 0.9)) for row in some}
    truth, held = sum(right.values()) / len(some), 0
    for seed in range(60):
        drawn = sample(some, 150, "informative", seed)
        values = np.array([right[row.id] for row in drawn])
        weights = np.array([1 / row.inclusion_probability for row in drawn])
        result = bootstrapped(weighted_mean(values), weights)
        held += result["low"] <= truth <= result["high"]
    assert held >= 54


counts = st.dictionaries(st.text("abcdef", min_size=1), st.integers(1, 10**6), min_size=1)


def test_a_start_just_below_one_loses_no_row():
    assert rounded({"a": 1.0, "b": 2.0}, 1 - 2**-53) == {"a": 1, "b": 2}


@given(counts, st.data(), st.integers(1, 10**6), st.floats(0, 1, exclude_max=True))
def test_shares_fill_the_sample_and_no_stratum_beyond_its_rows(strata, data, size, start):
    claims = {name: float(data.draw(st.integers(1, 10**6))) for name in strata}
    result = shares(strata, claims, size)
    assert sum(result.values()) == pytest.approx(min(size, sum(strata.values())))
    assert all(0 < part <= strata[name] for name, part in result.items())
    whole = rounded(result, start)
    assert sum(whole.values()) == min(size, sum(strata.values()))
    for name, part in result.items():
        assert abs(whole[name] - part) < 1 + 1e-6
        assert whole[name] <= strata[name]


def test_strata_share_by_their_rows_and_the_rare_are_not_lost():
    """By source and by the answer that scored higher; a tenth of the sample goes to rare ones."""
    kinds = [("rare", 7)] * 6 + [("common", 4)] * 100 + [("common", 7)] * 894
    some = [
        ReviewableRow(f"r{n}", name, 9, 9, 5, score, 5) for n, (name, score) in enumerate(kinds)
    ]
    drawn = sample(some, 100, "stratified", 0)
    assert len(drawn) == 100
    strata = Counter(row.stratum for row in drawn)
    assert strata == {
        "common, refinement scored higher": 87,
        "common, draft scored higher": 10,
        "rare, refinement scored higher": 3,
    }
    of_rare = [row for row in drawn if row.stratum.startswith("rare")]
    assert {row.stratum_rows for row in of_rare} == {6}
    assert of_rare[0].inclusion_probability == pytest.approx(0.54, abs=0.01)


@given(counts, st.integers(1, 5000))
def test_the_rare_take_a_tenth_of_the_sample_at_most(strata, size):
    expected, total = shares(strata, with_a_few_of_each(strata, size), size), sum(strata.values())
    for name, part in expected.items():
        assert part >= 0.9 * min(size, total) * strata[name] / total


def test_doubtful_rows_are_likelier():
    plain = ReviewableRow("p", "s", 100, 100, 5, 9, 5)
    doubtful = ReviewableRow("d", "s", 100, 200, 5, 6, 8)
    assert signs(plain) == ()
    assert signs(doubtful) == ("disagreement", "close", "longer")
    some = [
        ReviewableRow(f"{n}", *list(vars(one).values())[1:])
        for n in range(200)
        for one in ((plain, doubtful)[n % 2],)
    ]
    chances = {row.stratum: row.inclusion_probability for row in sample(some, 40, "informative", 1)}
    assert chances["disagreement close longer"] == pytest.approx(7 * chances["none"])


def test_a_stream_of_ledger_rows_is_enough():
    stream = (seen for row in kept_rows(500) if (seen := reviewable_row(row)))
    drawn = sample(stream, 50, "informative", 4)
    assert len(drawn) == 50


def test_a_row_is_reviewable_if_it_has_two_answers_and_a_critique():
    row = ledger_row(1, reason=None)
    assert is_reviewable(row)
    assert is_reviewable(ledger_row(1, reason="margin"))
    for reason in ("no_change", "draft_truncated", "duplicate"):
        assert not is_reviewable(ledger_row(1, reason=reason))
    assert reviewable_row(row).margin == row["refinement_score"] - row["draft_score"]
    assert reviewable_row({**row, "refinement": row["draft"]}) is None
    for key in ("draft", "refinement", "critique"):
        assert reviewable_row({**row, key: None}) is None
    with pytest.raises(InvalidRow):
        reviewable_row({})


def test_a_feedback_row_is_read_as_its_ledger_row_is():
    row = ledger_row(1, reason=None)
    published = {name: row.get(name) for name in FEEDBACK}
    assert reviewable_row(published) == reviewable_row(row)


@pytest.mark.parametrize(
    ("size", "strategy", "message"), [(0, "uniform", "size"), (5, "clever", "strategy")]
)
def test_what_cannot_be_drawn_is_refused(size, strategy, message):
    with pytest.raises(BadInput, match=message):
        sample(ROWS, size, strategy, 0)


def test_an_id_that_comes_twice_is_refused():
    with pytest.raises(BadInput, match="row-3"):
        sample([*ROWS, ROWS[3]], 500, "uniform", 0)


def test_of_no_rows_nothing_is_drawn():
    assert sample([], 5, "stratified", 0) == []

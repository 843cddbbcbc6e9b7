"""Samples: their probabilities are exact, and neither the order nor the run changes them."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.errors import BadInput
from builders.review.candidates import Candidate, candidate
from builders.review.intervals import bootstrapped, weighted_mean
from builders.review.sampling import STRATEGIES, rounded, sample, shares, signs
from builders.schema import InvalidRow
from tests.ledger_rows import kept_rows, ledger_row


def rows(count, seed=0):
    chance = random.Random(seed)
    return [
        Candidate(
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
        found, truth = np.array(estimates[name]), sum(map(of, ROWS))
        assert abs(found.mean() - truth) <= 4 * found.std() / np.sqrt(len(found)) + 1e-6, name


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
        found = bootstrapped(weighted_mean(values), weights)
        held += found["low"] <= truth <= found["high"]
    assert held >= 54


counts = st.dictionaries(st.text("abcdef", min_size=1), st.integers(1, 10**6), min_size=1)


def test_a_start_just_below_one_loses_no_row():
    assert rounded({"a": 1.0, "b": 2.0}, 1 - 2**-53) == {"a": 1, "b": 2}


@given(counts, st.data(), st.integers(1, 10**6), st.floats(0, 1, exclude_max=True))
def test_shares_fill_the_sample_and_no_stratum_beyond_its_rows(strata, data, size, start):
    claims = {name: float(data.draw(st.integers(1, 10**6))) for name in strata}
    found = shares(strata, claims, size)
    assert sum(found.values()) == pytest.approx(min(size, sum(strata.values())))
    assert all(0 < part <= strata[name] for name, part in found.items())
    whole = rounded(found, start)
    assert sum(whole.values()) == min(size, sum(strata.values()))
    for name, part in found.items():
        assert abs(whole[name] - part) < 1 + 1e-6
        assert whole[name] <= strata[name]


def test_strata_share_alike_and_the_rare_are_not_lost():
    some = [Candidate(f"r{n}", "rare" if n < 6 else "common", 9, 9, 5, 7, 5) for n in range(1000)]
    drawn = sample(some, 100, "stratified", 0)
    of_rare = [row for row in drawn if row.stratum.startswith("rare")]
    assert [row.inclusion_probability for row in of_rare] == [1.0] * 6
    assert len(drawn) == 100


def test_doubtful_rows_are_likelier():
    plain = Candidate("p", "s", 100, 100, 5, 9, 5)
    doubtful = Candidate("d", "s", 100, 200, 5, 6, 8)
    assert signs(plain) == ()
    assert signs(doubtful) == ("disagreement", "close", "longer")
    some = [
        Candidate(f"{n}", *list(vars(one).values())[1:])
        for n in range(200)
        for one in ((plain, doubtful)[n % 2],)
    ]
    chances = {row.stratum: row.inclusion_probability for row in sample(some, 40, "informative", 1)}
    assert chances["disagreement close longer"] == pytest.approx(7 * chances["none"])


def test_a_stream_of_ledger_rows_is_enough():
    stream = (seen for row in kept_rows(500) if (seen := candidate(row)))
    drawn = sample(stream, 50, "informative", 4)
    assert len(drawn) == 50


def test_rows_with_nothing_to_compare_are_no_candidates():
    row = ledger_row(1, reason=None)
    assert candidate(row).margin == row["refinement_score"] - row["draft_score"]
    assert candidate({**row, "refinement": row["draft"]}) is None
    for key in ("draft", "refinement", "critique"):
        assert candidate({**row, key: None}) is None
    with pytest.raises(InvalidRow):
        candidate({})


def test_a_feedback_row_is_read_as_its_ledger_row_is():
    row = ledger_row(1, reason=None)
    published = {"response": row["draft"], "response_score": row["draft_score"]}
    kept = {key: value for key, value in row.items() if not key.startswith("draft")}
    assert candidate({**kept, **published}) == candidate(row)


@pytest.mark.parametrize(
    ("size", "strategy", "says"), [(0, "uniform", "size"), (5, "clever", "strategy")]
)
def test_what_cannot_be_drawn_is_refused(size, strategy, says):
    with pytest.raises(BadInput, match=says):
        sample(ROWS, size, strategy, 0)


def test_an_id_that_comes_twice_is_refused():
    with pytest.raises(BadInput, match="row-3"):
        sample([*ROWS, ROWS[3]], 500, "uniform", 0)


def test_of_no_rows_nothing_is_drawn():
    assert sample([], 5, "stratified", 0) == []

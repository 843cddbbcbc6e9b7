"""People among themselves, the bound, and the alternative annotator test."""

from itertools import combinations

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from builders.audit.statistics.people import alt_test, people_agreement, share_of
from tests.shared_data import json_rows, needs


def simulated(pairs, noise, *, people=3, seed=1):
    """Pairs with a truth, and people who each miss it with probability `noise`."""
    chance = np.random.default_rng(seed)
    truth = chance.integers(2, size=pairs)
    names = [f"person-{number}" for number in range(people)]
    choices = [
        {name: float(right ^ (chance.random() < noise)) for name in names} for right in truth
    ]
    return truth, choices


def test_by_hand():
    choices = [{"a": 1.0, "b": 1.0, "c": 0.0}, {"a": 0.0, "b": 0.0}, {"a": 0.5, "b": 1.0}]
    found = people_agreement(choices)
    # One of three pairs of people agrees on the first record, all on the second.
    assert found["value"] == pytest.approx((1 / 3 + 1) / 2)
    assert found["bound"] == pytest.approx((2 / 3 + 1) / 2)
    assert (found["pairs"], found["people"]) == (2, 3)


def test_two_people_are_bounded_by_their_agreement():
    _, choices = simulated(2000, 0.2, people=2)
    found = people_agreement(choices)
    # Each is right with .8, so they agree with .68, and a judge who knows the truth has .8.
    assert found["value"] == pytest.approx(0.68, abs=0.02)
    assert found["bound"] == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("choices", [[], [{"a": 1.0}], [{"a": 0.5, "b": 0.5}]])
def test_one_annotator_or_only_ties_give_no_ceiling(choices):
    found = people_agreement(choices)
    assert (found["value"], found["bound"], found["pairs"]) == (None, None, 0)
    assert share_of({"a": 0.5}) != share_of({"a": 0.5})


def test_a_judge_who_knows_the_truth_could_replace_a_person():
    truth, choices = simulated(200, 0.2)
    found = alt_test(2.0 * truth - 1, choices)
    assert found["winning_rate"] == 1
    assert found["advantage"] > 0.8


def test_a_judge_who_tosses_a_coin_could_not():
    _, choices = simulated(200, 0.1)
    coin = np.random.default_rng(7).choice([-1.0, 1.0], 200)
    found = alt_test(coin, choices)
    assert found["winning_rate"] == 0
    assert found["advantage"] < 0.65


def test_a_winning_rate_needs_three_people_and_fifty_pairs():
    truth, choices = simulated(49, 0.2)
    found = alt_test(2.0 * truth - 1, choices)
    assert found["winning_rate"] is None
    assert found["advantage"] is not None
    assert alt_test(np.ones(1), [{"a": 1.0}])["advantage"] is None


@needs("pandalm/testset.jsonl.gz")
def test_pandalm():
    rows = json_rows("pandalm/testset.jsonl.gz")
    answers = np.array([[row[f"annotator{n}"] for n in (1, 2, 3)] for row in rows])
    kappas = []
    for first, second in combinations(range(3), 2):
        table = np.zeros((3, 3))
        np.add.at(table, (answers[:, first], answers[:, second]), 1)
        kappas.append(cohens_kappa(table, return_results=False))
    assert kappas == pytest.approx([0.85, 0.88, 0.86], abs=0.005)
    values = {0: 0.5, 1: 0.0, 2: 1.0}
    found = people_agreement([{str(n): values[x] for n, x in enumerate(row)} for row in answers])
    assert found["people"] == 3
    assert 0.9 < found["value"] < found["bound"] < 1

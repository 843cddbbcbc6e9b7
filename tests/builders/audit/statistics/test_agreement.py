"""Agreement, its baselines, balance, tie rules and flips."""

import numpy as np
import pytest

from builders.audit.statistics.agreement import (
    balanced,
    by_group,
    credit,
    flip_rate,
    judge_agreement,
    length_band,
)
from builders.audit.statistics.clusters import share_with_interval
from builders.audit.statistics.people import majority_of
from tests.shared_data import csv_rows, json_rows, needs

NAN = float("nan")


def test_tie_rules():
    margins, shares = np.array([1.0, 0.0, NAN, -2.0]), np.array([1.0, 1.0, 1.0, 1.0])
    found = judge_agreement(margins, shares, np.arange(4), np.ones(4), {})
    values = {rule: figure["value"] for rule, figure in found["by_ties"].items()}
    assert values == {"half": 0.5, "wrong": 0.25, "left out": 0.5}
    assert (found["ties"], found["unreadable"]) == (1, 1)


def test_a_pair_that_nobody_decided_counts_for_nothing():
    margins, shares = np.array([1.0, 1.0]), np.array([1.0, NAN])
    found = judge_agreement(margins, shares, np.arange(2), np.ones(2), {})
    assert (found["raw"]["value"], found["raw"]["of"]) == (1.0, 1)


def test_weights_are_those_of_the_design():
    margins, shares = np.array([1.0, 1.0]), np.array([1.0, 0.0])
    found = judge_agreement(margins, shares, np.arange(2), np.array([3.0, 1.0]), {})
    assert (found["raw"]["value"], found["weighted"]["value"]) == (0.5, 0.75)


def test_a_constant_judge_has_balanced_agreement_of_a_half():
    chance = np.random.default_rng(0)
    # People prefer the refinement (B) in 80 of 100 pairs; the judge adds a point to each one.
    shares, refinement = (chance.permutation(100) < 80).astype(float), np.ones(100)
    constant = np.ones(100)
    assert balanced(constant, shares, refinement) == 0.5
    found = judge_agreement(
        constant, shares, np.arange(100), np.ones(100), {"refinement": refinement}
    )
    always = credit(refinement, shares).mean()
    assert found["raw"]["value"] == always == 0.8
    assert found["balanced"] == {"refinement": 0.5}


def test_balance_needs_both_kinds_of_pairs():
    assert balanced(np.ones(3), np.ones(3), np.ones(3)) is None


def test_the_interval_of_independent_pairs_is_wilsons():
    values = np.repeat([1.0, 0.0], [30, 10])
    found = share_with_interval(values, np.arange(40))
    assert (found["low"], found["high"]) == pytest.approx((0.5981, 0.8581), abs=1e-4)


def test_pairs_that_share_instructions_have_a_wider_interval():
    values = np.repeat([1.0, 0.0], [30, 10])
    alone = share_with_interval(values, np.arange(40))
    together = share_with_interval(values, np.repeat(np.arange(4), 10))
    assert together["value"] == alone["value"]
    assert together["low"] < alone["low"] - 0.1


def test_no_pairs():
    found = judge_agreement(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0), {})
    assert found["raw"] == {"value": None, "low": None, "high": None, "of": 0}


def test_groups():
    found = by_group(np.ones(4), np.array([1.0, 0.0, 1.0, NAN]), np.arange(4), ["b", "b", "a", "a"])
    assert [(name, figure["value"], figure["of"]) for name, figure in found.items()] == [
        ("a", 1.0, 1),
        ("b", 0.5, 2),
    ]


def test_length_bands():
    assert length_band(100, 125) == length_band(125, 100) == "longer (1.25× to 2×)"
    assert length_band(0, 0) == "similar (up to 1.25×)"
    assert length_band(0, 5) == "over 2×"


def test_flips():
    first = np.array([[1.0, 2.0], [3.0, 3.0], [5.0, NAN]])
    second = np.array([[2.0, 1.0], [4.0, 4.0], [5.0, NAN]])
    assert flip_rate(first, second) == {
        "pairs": 3,
        "verdicts": pytest.approx(1 / 3),
        "scores": pytest.approx(4 / 6),
    }
    assert flip_rate(np.zeros((0, 2)), np.zeros((0, 2)))["verdicts"] is None


def majorities(rows):
    """People's majority of each pair: 1 for the second answer, 0 for the first, ½ for a tie."""
    values = {0: 0.5, 1: 0.0, 2: 1.0}
    people = [{str(n): values[row[f"annotator{n}"]] for n in (1, 2, 3)} for row in rows]
    return np.array([majority_of(choices) for choices in people])


@needs("pandalm/testset.jsonl.gz")
def test_baselines_on_pandalm():
    rows = json_rows("pandalm/testset.jsonl.gz")
    people = majorities(rows)
    counts = [int((people == value).sum()) for value in (0.5, 0.0, 1.0)]
    assert counts == [105, 422, 472]
    decided = people != 0.5
    longer = np.array([float(len(row["response2"]) - len(row["response1"])) for row in rows])
    assert credit(longer, people)[decided].mean() == pytest.approx(0.674, abs=5e-4)
    judged = {"1": -1.0, "2": 1.0, "Tie": 0.0}
    judge = np.array([judged.get(row["gpt35"], NAN) for row in rows])
    # 12 unreadable replies count half here; counted as wrong, they leave the .793 of the paper.
    gained = credit(judge, people)[decided].sum()
    unreadable = int(np.isnan(judge[decided]).sum())
    assert (gained - unreadable / 2) / 894 == pytest.approx(0.793, abs=6e-4)


@needs("llmbar/judgments.csv.gz")
def test_position_consistency_on_llmbar():
    rows = [
        row
        for row in csv_rows("llmbar/judgments.csv.gz")
        if row["set"] == "LLMBar/Natural" and (row["judge"], row["prompt"]) == ("GPT-4", "Vanilla")
    ]
    margins = np.array([[float(row["winner_in_order"]), 0.0] for row in rows])
    swapped = np.array([[float(row["winner_swapped"]), 0.0] for row in rows])
    same = float((margins == swapped).all(axis=1).mean())
    assert 1 - 2 * flip_rate(margins, swapped)["scores"] == pytest.approx(same)

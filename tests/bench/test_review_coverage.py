"""The bench of coverage runs, and what it measures holds in a few hundred draws of one figure."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.planted_review import Planted
from bench.review_coverage import effective
from builders.review.statistics.pairs import pairwise
from builders.review.statistics.reviewed import reviewed_records
from builders.review.strategies import STRATEGIES

ROOT = Path(__file__).parents[2]


def test_it_runs():
    command = [sys.executable, "-m", "bench.review_coverage", "--smoke"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-2000:]
    coverage, worth = ended.stdout.split("Rows of a uniform sample")
    for figure in ("the model's agreement", "balanced agreement", "alpha, better answer, nominal"):
        assert f"\n{figure} " in coverage
    assert "target" in coverage
    for strategy in STRATEGIES:
        assert f"\n{strategy} " in worth


@pytest.fixture(scope="module")
def planted():
    return Planted(300, seed=1, noise=1.0)


def agreement(planted, verdicts):
    return pairwise(reviewed_records(verdicts, planted.known))["weighted"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_agreement_is_unbiased_and_its_intervals_hold_it(planted, strategy):
    truth = agreement(planted, planted.review("uniform", 300, 3, seed=0)[0])
    # Every row was checked: the figure is exact, and there is no interval to print.
    assert truth["low"] is truth["high"] is None
    found = [agreement(planted, planted.review(strategy, 60, 3, seed)[0]) for seed in range(200)]
    mean = sum(one["value"] for one in found) / len(found)
    assert mean == pytest.approx(truth["value"], abs=0.015)
    held = sum(one["low"] <= truth["value"] <= one["high"] for one in found)
    assert 0.9 <= held / len(found) <= 0.995


def test_what_rows_are_worth_by_strategy(planted):
    assert effective(planted, "uniform", 60) == pytest.approx(60)
    assert 55 < effective(planted, "stratified", 60) < 60
    assert 30 < effective(planted, "informative", 60) < 50

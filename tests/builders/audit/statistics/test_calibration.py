"""CORP and MACE, by hand and on LLMBar."""

import numpy as np
import pytest

from builders.audit.statistics.calibration import corp, score_error
from tests.shared_data import csv_rows, json_rows, needs


def test_a_judge_who_is_always_right_has_all_discrimination():
    shares = np.array([1.0, 0.0, 1.0, 0.0])
    found = corp(np.array([3.0, -2.0, 1.0, -4.0]), shares)
    assert (found["discrimination"], found["uncertainty"]) == (0.25, 0.25)
    assert found["brier"] == pytest.approx(
        found["miscalibration"] - found["discrimination"] + found["uncertainty"]
    )
    assert [point["chance"] for point in found["curve"]] == [1.0] * 4


def test_ties_only_discriminate_nothing():
    found = corp(np.zeros(6), np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0]))
    assert (found["discrimination"], found["miscalibration"]) == (0, 0)


def test_which_answer_comes_first_means_nothing():
    chance = np.random.default_rng(0)
    margins, shares = chance.integers(-4, 5, 60).astype(float), chance.random(60)
    flip = chance.random(60) < 0.5
    one, other = (
        corp(margins, shares),
        corp(np.where(flip, -margins, margins), np.where(flip, 1 - shares, shares)),
    )
    assert one["discrimination"] == pytest.approx(other["discrimination"])
    chances = [point["chance"] for point in one["curve"]]
    assert chances == sorted(chances)


def test_nothing_to_calibrate():
    assert corp(np.array([np.nan]), np.array([1.0]))["discrimination"] is None


def test_scores_beside_peoples():
    found = score_error(np.array([8.0, 8.0, 3.0, np.nan]), np.array([6.0, 8.0, 4.0, 1.0]))
    # 8 stands for a mean of 7, and 3 for 4.
    assert found == {"absolute": 1.0, "signed": pytest.approx(1 / 3), "answers": 3}
    assert score_error(np.zeros(0), np.zeros(0))["absolute"] is None


@needs("llmbar/items.jsonl.gz", "llmbar/scores.csv.gz")
@pytest.mark.parametrize(
    ("judge", "miscalibration", "discrimination"),
    [("GPT-4", 0.003, 0.140), ("ChatGPT", None, 0.001)],
)
def test_llmbar(judge, miscalibration, discrimination):
    gold = {(row["set"], row["index"]): row["label"] for row in json_rows("llmbar/items.jsonl.gz")}
    rows = [
        row
        for row in csv_rows("llmbar/scores.csv.gz")
        if (row["judge"], row["prompt"]) == (judge, "Rating")
    ]
    margins = [float(row["score_2"] or "nan") - float(row["score_1"] or "nan") for row in rows]
    shares = [gold[row["set"], int(row["index"])] - 1.0 for row in rows]
    found = corp(np.array(margins), np.array(shares))
    assert found["discrimination"] == pytest.approx(discrimination, abs=5e-4)
    if miscalibration is not None:
        assert found["miscalibration"] == pytest.approx(miscalibration, abs=5e-4)

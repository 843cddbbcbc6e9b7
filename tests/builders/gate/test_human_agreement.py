"""What the gate says of people's verdicts, under a recipe's limits."""

import pytest

from builders.gate.human_agreement import NAME, human_agreement, read_review
from builders.gate.settings import GateSettings


def review(verdicts=600, agreement=0.793, alpha=0.16):
    def figure(value):
        return {"value": value, "low": value and value - 0.05, "high": value and value + 0.05}

    return {
        "gate": {"verdicts": verdicts, "agreement": figure(agreement), "alpha": figure(alpha)},
        "counts": {},
    }


@pytest.mark.parametrize(
    ("limits", "found", "status", "said"),
    [
        ({}, review(), "pass", "people 0.16 (0.11 to 0.21)."),
        (
            {},
            review(),
            "pass",
            "600 verdicts: the model's agreement with people is 79.3% (",
        ),
        ({}, review(1), "pass", "1 verdict: "),
        ({}, review(0, None, None), "warn", "0 verdicts: the model's agreement with people is und"),
        ({}, None, "warn", "No person has judged these rows."),
        ({"min_agreement": 0.793, "min_alpha": 0.16, "min_verdicts": 600}, review(), "pass", ""),
        ({"min_agreement": 0.8}, review(), "fail", "; asked for: min_agreement 80.0%."),
        ({"min_alpha": 0.4}, review(), "fail", "; asked for: min_alpha 0.40."),
        ({"min_alpha": -1}, review(alpha=None), "fail", "; asked for: min_alpha -1.00."),
        (
            {"min_agreement": 0.8, "min_verdicts": 2000},
            review(),
            "fail",
            "; asked for: min_agreement 80.0%, min_verdicts 2,000.",
        ),
        ({"min_verdicts": 1}, None, "fail", "and the recipe asks for min_verdicts 1."),
        ({"min_agreement": 0.0}, None, "fail", "and the recipe asks for min_agreement 0.0%."),
    ],
)
def test_a_limit_holds_the_figure(limits, found, status, said):
    check = human_agreement(found, None, GateSettings(**limits))
    assert (check.name, check.status) == (NAME, status)
    assert said in check.sentence
    for name, limit in limits.items():
        assert check.figures[name] == limit


def test_what_cannot_be_computed_fails(tmp_path):
    (tmp_path / "verdicts").mkdir()
    (tmp_path / "verdicts" / "train-00000-of-00001.parquet").write_bytes(b"PAR1")
    found, problem = read_review(tmp_path)
    assert found is None
    check = human_agreement(found, problem, GateSettings())
    assert check.status == "fail"
    assert check.sentence.startswith("It cannot be computed: ")
    assert read_review(tmp_path / "empty") == (None, None)

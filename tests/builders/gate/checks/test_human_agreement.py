"""What the gate says of people's verdicts, under a recipe's limits."""

import pytest

from builders.gate.checks.human_agreement import NAME, human_agreement, read_review
from builders.settings import GateSettings


def review(verdicts=600, agreement=0.793, alpha=0.16, balanced=0.71, over=0.052):
    def figure(value):
        return {"value": value, "low": value and value - 0.05, "high": value and value + 0.05}

    return {
        "gate": {
            "verdicts": verdicts,
            "agreement": figure(agreement),
            "balanced": figure(balanced),
            "over_always_refinement": figure(over),
            "always_refinement": figure(agreement and over is not None and agreement - over),
            "longer": figure(0.6),
            "alpha": figure(alpha),
        },
        "counts": {},
    }


@pytest.mark.parametrize(
    ("limits", "found", "status", "said"),
    [
        ({}, review(), "pass", "people is 0.16 (0.11 to 0.21)."),
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
        (
            {},
            review(),
            "pass",
            'that of "always the refinement" is 74.1% (69.1% to 79.1%), which makes a difference '
            'of +5.2 (+0.2 to +10.2) points, and that of "the longer answer" 60.0% (',
        ),
        ({}, review(), "pass", "; balanced, the model's is 71.0% (66.0% to 76.0%); "),
        ({"min_balanced": 0.71, "min_over_always_refinement": 0.052}, review(), "pass", ""),
        ({"min_balanced": 0.72}, review(), "fail", "; asked for: min_balanced 72.0%."),
        ({"min_balanced": 0.0}, review(balanced=None), "fail", "; asked for: min_balanced 0.0%."),
        (
            {"min_over_always_refinement": 0.06},
            review(),
            "fail",
            "; asked for: min_over_always_refinement +6.0 points.",
        ),
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


@pytest.mark.parametrize(
    ("designs", "is_said"),
    [
        ([], False),
        ([{"rows": "scored", "assisted": False}], False),
        ([{"assisted": False}], True),
        ([{"rows": "scored", "assisted": False}, {"rows": "kept", "assisted": False}], True),
        ([{"rows": "scored", "assisted": False}, {"rows": "kept", "assisted": True}], False),
    ],
)
def test_a_review_of_kept_rows_says_so(designs, is_said):
    sentence = human_agreement(review(), None, GateSettings(), designs).sentence
    assert ("A review was of kept rows only" in sentence) == is_said
    assert sentence.endswith(".")


def test_what_cannot_be_computed_fails(tmp_path):
    (tmp_path / "verdicts").mkdir()
    (tmp_path / "verdicts" / "train-00000-of-00001.parquet").write_bytes(b"PAR1")
    found, problem = read_review(tmp_path)
    assert found is None
    check = human_agreement(found, problem, GateSettings())
    assert check.status == "fail"
    assert check.sentence.startswith("It cannot be computed: ")
    assert read_review(tmp_path / "empty") == (None, None)

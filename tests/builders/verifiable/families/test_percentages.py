import pytest

from builders.verifiable.registry import families

CHECK = families()["percentage"].check


def args(kind, percent=15, base=240, form="free"):
    return {"kind": kind, "percent": percent, "base": base, "form": form}


@pytest.mark.parametrize(
    ("kind", "draft", "score"),
    [
        ("of", "15% of 240 is 36.", 10),
        ("of", "36 is 15% of 240.", 10),
        ("of", "15% of 240 = 0.15 * 240 = 36", 10),
        ("of", "15% is equal to 0.15. So 15% can be converted to 15/100.", 3),
        ("of", "15% of 240 is 360.", 4),
        ("of", "What is 15% of 240?", 2),
        ("off", "The new price is $204.", 10),
        ("off", "The new price is $36.", 3),
        ("more", "240 * 1.15 = 276", 10),
        ("share", "36 is 15% of 240.", 10),
        ("share", "36/240 = 0.15, so it is 15 percent.", 10),
        ("share", "36/240 = 0.15", 4),
    ],
)
def test_percentages(kind, draft, score):
    assert CHECK(args(kind), draft).score == score


def test_slips_are_named():
    assert "only the change" in CHECK(args("off"), "The new price is $36.").weaknesses[0]
    assert "as a decimal" in CHECK(args("share"), "The answer is 0.15.").weaknesses[0]


def test_refinements():
    assert CHECK(args("of"), "").refinement == "15% of 240 is 36."
    assert CHECK(args("off"), "").refinement == "15% of 240 is 36, and 240 - 36 = 204."
    assert CHECK(args("share", form="only"), "").refinement == "15"

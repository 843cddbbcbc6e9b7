import pytest

from builders.verifiable.registry import families

CHECK = families()["unit"].check
KM = {"amount": "5", "from": "km", "to": "m", "form": "free"}
MINUTES = {"amount": "180", "from": "min", "to": "h", "form": "free"}


@pytest.mark.parametrize(
    ("args", "draft", "score"),
    [
        (KM, "5 kilometres are 5000 metres.", 10),
        (KM, "5 km is 5,000 m, because 1 km = 1000 m.", 10),
        (KM, "5000", 10),
        (KM, "5 * 1000 = 5000 meters", 10),
        (KM, "You multiply 5 by 1000. The answer is 5000.", 10),
        (KM, "5000 metres is 5 kilometres.", 10),
        (KM, "multiply 5 by 100 meters.\n5 * 100 = 500 meters\nSo, 5 km equals 500 meters.", 4),
        (KM, "5 kilometres are 5000 metres. So the answer is 500.", 4),
        (KM, "5 kilometres equals 57 yards", 3),
        (KM, "A kilometre is longer than a metre.", 2),
        (MINUTES, "180 minutes is equal to 3 hours.", 10),
        (MINUTES, "180 minutes is equal to 1.8 hours.", 3),
        (MINUTES, "180 * 60 = 10800 hours", 3),
    ],
)
def test_conversions(args, draft, score):
    assert CHECK(args, draft).score == score


def test_the_mistake_is_named():
    assert "factor is wrong" in CHECK(KM, "5 km are 500 metres.").weaknesses[0]
    assert "multiplies instead of dividing" in CHECK(MINUTES, "10800 hours").weaknesses[0]


def test_decimals_are_exact():
    args = {"amount": "2450", "from": "g", "to": "kg", "form": "only"}
    assert CHECK(args, "").refinement == "2.45"
    assert CHECK(args, "2.450").score == 10

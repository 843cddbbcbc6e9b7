import pytest

from builders.verifiable.registry import families

CHECK = families()["date"].check
BETWEEN = {"kind": "between", "start": "2021-03-03", "end": "2021-05-17", "form": "free"}
WEEKDAY = {"kind": "weekday", "start": "1999-07-14", "form": "free"}
LATER = {"kind": "later", "start": "2021-03-03", "days": 75, "form": "free"}


@pytest.mark.parametrize(
    ("draft", "score"),
    [
        ("75", 10),
        ("There are 75 days between 3 March 2021 and 17 May 2021.", 10),
        ("17 May 2021 is 75 days after 3 March 2021.", 10),
        ("March has 28 days left, April has 30 and May 17: 28 + 30 + 17 = 75 days.", 10),
        ("The total is 17 days (from March 3 to May 17, 2021).", 3),
        ("There are 76 days.", 4),
        ("I leave on 3 March 2021 and come back on 17 May 2021.", 2),
        ("2021", 2),
    ],
)
def test_days_between(draft, score):
    assert CHECK(BETWEEN, draft).score == score


@pytest.mark.parametrize(
    ("draft", "score"),
    [
        ("Wednesday", 10),
        ("It was a Wednesday.", 10),
        ("1 July 1999 was a Thursday, and so 14 July 1999 was a Wednesday.", 10),
        ("14 July 1999 was a Monday.", 3),
        ("14 July 1999 was a Thursday.", 4),
        ("It was a Wednesday or Thursday.", 5),
        ("Monday, Tuesday, Wednesday, Thursday", 2),
        ("14 July 1999 is a special day in the Gregorian calendar.", 2),
    ],
)
def test_weekdays(draft, score):
    assert CHECK(WEEKDAY, draft).score == score


@pytest.mark.parametrize(
    ("draft", "score"),
    [
        ("17 May 2021", 10),
        ("May 17, 2021", 10),
        ("the 17th of May, 2021", 10),
        ("2021-05-17", 10),
        ("17/05/2021", 10),
        ("75 days after March 3, 2021 is May 17.", 10),
        ("It arrives on 18 May 2021.", 4),
        ("It arrives on 1 June 2021.", 3),
        ("I'll add 75 days to March 3, 2021, which is 146.", 2),
        ("31 February 2021", 2),
    ],
)
def test_later(draft, score):
    assert CHECK(LATER, draft).score == score


def test_being_one_day_off_is_named():
    assert "1 day too late" in CHECK(LATER, "18 May 2021").weaknesses[0]
    assert "off by one" in CHECK(BETWEEN, "74 days").weaknesses[0]


def test_workings():
    assert CHECK(BETWEEN | {"form": "working"}, "").refinement == (
        "March has 28 days left, April has 30, and May adds 17: 28 + 30 + 17 = 75. "
        "There are 75 days from 3 March 2021 to 17 May 2021."
    )
    assert CHECK(WEEKDAY, "").refinement == "14 July 1999 was a Wednesday."
    assert CHECK(LATER | {"form": "working"}, "").refinement.endswith("17 May 2021.")

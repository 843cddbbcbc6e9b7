"""Planted annotators are named for what they do, and good ones are not."""

import random
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from builders.review.responses import with_seconds
from builders.review.reviewable import ReviewableRow
from builders.review.statistics.conduct import above_chance, fastest_seconds, warnings_of
from tests.verdict_rows import verdict_row

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GOOD = ("good-1", "good-2", "good-3")
TRUTHS = ("refinement", "refinement", "refinement", "draft", "tie")
SCORES = {"refinement": (4, 8), "draft": (8, 5), "tie": (6, 6)}


def session(people, records, seed, overlap=None, skill=0.75, truths=TRUTHS):
    """Verdicts of `people`, by name: each the function that answers a page, and their pace."""
    chance = random.Random(seed)
    clocks = dict.fromkeys(people, START)
    rows, numbers = [], count()
    for record in range(records):
        truth, order = chance.choice(truths), chance.choice(("draft_first", "refinement_first"))
        asked = list(people) if overlap is None else chance.sample(list(people), overlap)
        for name in asked:
            answer, pace = people[name]
            clocks[name] += timedelta(seconds=pace(chance, record))
            rows.append(
                verdict_row(
                    next(numbers),
                    id=f"row-{record}",
                    record=f"record-{record:03d}",
                    annotator=name,
                    order=order,
                    started_at=None,
                    submitted_at=clocks[name],
                    **answer(chance, truth, order, skill),
                )
            )
    return with_seconds(rows)


def able(chance, truth, order, skill):
    better = truth if chance.random() < skill else chance.choice(("refinement", "draft", "tie"))
    draft, refinement = (min(10, max(1, one + chance.randint(-1, 1))) for one in SCORES[better])
    return {"better": better, "draft_score": draft, "refinement_score": refinement}


def guessing(chance, truth, order, skill):
    return able(chance, chance.choice(("refinement", "draft", "tie")), order, 1.0)


def first(chance, truth, order, skill):
    return {"better": order.removesuffix("_first"), "draft_score": 7, "refinement_score": 7}


def reading(chance, record):
    return chance.uniform(20, 200)


def in_one_go(chance, record):
    """Ten pages within a second, after ten that were read."""
    return 0.1 if 10 <= record < 20 else chance.uniform(20, 200)


PLANTED = {
    **dict.fromkeys(GOOD, (able, reading)),
    "guesser": (guessing, reading),
    "liner": (first, reading),
    "bulker": (able, in_one_go),
}


def kinds(verdicts, rows=()):
    return {
        name: {one["kind"] for one in warned}
        for name, warned in warnings_of(verdicts, dict(rows)).items()
        if warned
    }


@pytest.mark.parametrize("seed", range(5))
def test_planted_people_are_named(seed):
    found = kinds(session(PLANTED, 60, seed))
    assert found.keys() == {"guesser", "liner", "bulker"}
    assert found["guesser"] == {"guess"}
    assert "straight_line" in found["liner"]
    assert found["bulker"] == {"bulk"}


@pytest.mark.parametrize("truths", [TRUTHS, ("refinement",) * 9 + ("draft",)])
@pytest.mark.parametrize("skill", [0.4, 0.8])
def test_good_people_are_seldom_named(skill, truths):
    """Five people, three of them on each record; half of the time nothing but chance agrees."""
    people = {f"good-{number}": (able, reading) for number in range(5)}
    named = 0
    for seed in range(20):
        named += len(kinds(session(people, 100, seed, overlap=3, skill=skill, truths=truths)))
    # Of 100 people.
    assert named <= 2


def test_a_few_pages_say_nothing():
    assert kinds(session({**PLANTED, "bulker": (able, reading)}, 12, 0)) == {}


def test_where_nobody_agrees_with_anybody_nobody_is_named():
    people = {f"lost-{number}": (guessing, reading) for number in range(4)}
    assert sum(len(kinds(session(people, 60, seed))) for seed in range(10)) <= 1


def test_drafts_that_are_submitted_together_were_read_before():
    verdicts = session({"one": (able, lambda *_: 0.5)}, 40, 0)
    assert kinds(verdicts) == {"one": {"bulk"}}
    saved = [{**row, "started_at": row["submitted_at"] - timedelta(hours=1)} for row in verdicts]
    assert kinds(saved) == {}
    assisted = [{**row, "assisted": True} for row in verdicts]
    assert kinds(assisted) == {}


def test_agreement_by_chance_is_one_half_of_the_time_above_chance():
    chance = random.Random(0)
    values = []
    for _ in range(400):
        beside = [[chance.choice("ab"), chance.choice("ab")] for _ in range(40)]
        values.append(above_chance([chance.choice("ab") for _ in range(40)], beside))
    for level in (0.05, 0.5):
        assert sum(value < level for value in values) / 400 == pytest.approx(level, abs=0.06)
    beside = [[answer] for answer in "ab" * 20]
    assert above_chance(list("ab" * 20), beside) < 1e-6
    assert above_chance(["a"] * 40, beside) == 1.0


def of_length(verdicts, characters):
    """The rows of these verdicts, with so many characters in both answers together."""
    half = characters // 2
    return {
        row["id"]: ReviewableRow(row["id"], "source", half, characters - half, 5, 7, 5)
        for row in verdicts
    }


@pytest.mark.parametrize(
    ("pace", "characters", "expected"),
    [
        # Two numbers to compare: the keys are what takes time.
        (1.5, 12, {}),
        (0.5, 12, {"one": {"bulk"}}),
        # 600 characters in two and a half seconds, and ten times as many in four.
        (2.5, 600, {"one": {"bulk"}}),
        (2.5, 300, {}),
        (4.0, 6000, {"one": {"bulk"}}),
        # A glance at long answers may do.
        (6.0, 100_000, {}),
    ],
)
def test_short_answers_may_be_read_fast_and_long_ones_may_not(pace, characters, expected):
    verdicts = session({"one": (able, lambda *_: pace)}, 40, 0)
    assert kinds(verdicts, of_length(verdicts, characters)) == expected


def test_the_fastest_reader_needs_longer_for_more():
    rows = [ReviewableRow("r", "s", length, length, 5, 7, 5) for length in (0, 10, 200, 400, 9000)]
    seconds = [fastest_seconds(row) for row in rows]
    assert seconds == sorted(seconds)
    assert (seconds[0], seconds[-1]) == (1.0, 5.0)

"""Which rows are drawn and in which order they are shown: seeded, balanced, repeatable."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.errors import BadInput
from builders.review.folder import DRAWN
from builders.review.sampling import Design, draw
from builders.review.strategies import higher_answer
from tests.ledger_rows import kept_rows

ROWS = [*kept_rows(80)]


def design(**changes):
    made = {"review": "mine", "source": "abc", "rows": "scored", "strategy": "stratified"}
    return Design(**{**made, "seed": 0, "sample": 20, **changes})


@settings(max_examples=25)
@given(
    st.integers(1, 100),
    st.sampled_from(["uniform", "stratified", "informative"]),
    st.integers(0, 2**31),
    st.integers(0, 30),
)
def test_a_draw_is_balanced_and_the_same_again(size, strategy, seed, calibration):
    chosen = design(sample=size, strategy=strategy, seed=seed, calibration=calibration)
    drawn = draw(lambda: iter(ROWS), chosen)
    assert drawn == draw(lambda: reversed(ROWS), chosen)
    assert all(tuple(row) == tuple(DRAWN) for row in drawn)
    sampled = [row for row in drawn if not row["calibration"]]
    first = [row for row in drawn if row["calibration"]]
    assert (len(first), len(sampled)) == (calibration, min(size, 80 - calibration))
    assert len({row["id"] for row in drawn}) == len({row["record"] for row in drawn}) == len(drawn)
    assert drawn == sorted(drawn, key=lambda row: row["record"])
    assert all(row["inclusion_probability"] == calibration / 80 for row in first)
    for group in (first, sampled):
        orders = Counter(row["order"] for row in group)
        assert abs(orders["draft_first"] - orders["refinement_first"]) <= 1
        for stratum in {row["stratum"] for row in group}:
            within = Counter(row["order"] for row in group if row["stratum"] == stratum)
            assert abs(within["draft_first"] - within["refinement_first"]) <= 1


def test_each_row_has_the_size_of_its_stratum():
    """That of the calibration rows is everything; the sample's strata do not include them."""
    drawn = draw(lambda: ROWS, design(sample=30, calibration=10))
    calibration = {row["id"] for row in drawn if row["calibration"]}
    sizes = Counter(
        f"{row['source']}, {higher_answer(row['refinement_score'] - row['draft_score'])}"
        for row in ROWS
        if row["id"] not in calibration
    )
    for row in drawn:
        expected = 80 if row["calibration"] else sizes[row["stratum"]]
        assert row["stratum_rows"] == expected
    assert len({row["stratum"] for row in drawn}) == 5
    uniform = draw(lambda: ROWS, design(strategy="uniform", calibration=10))
    assert {row["stratum_rows"] for row in uniform if not row["calibration"]} == {70}


def test_seeds_and_reviews_differ():
    one, two = (draw(lambda: ROWS, design(seed=seed, sample=80)) for seed in (0, 1))
    order = [{row["id"]: row["order"] for row in drawn} for drawn in (one, two)]
    assert order[0] != order[1]
    other = draw(lambda: ROWS, design(review="yours", sample=80))
    assert not {row["record"] for row in one} & {row["record"] for row in other}


def test_the_order_says_nothing_of_the_key():
    """Whoever sees records in the order of their keys cannot tell the next one's order."""
    drawn = draw(lambda: ROWS, design(sample=80))
    same = sum(one["order"] == two["order"] for one, two in pairwise(drawn))
    assert 20 < same < 60


@pytest.mark.parametrize(
    ("rows", "changes", "message"),
    [
        ([], {}, "none of the 0 scored rows"),
        ([{**ROWS[0], "refinement": ROWS[0]["draft"]}], {}, "none of the 1 scored rows"),
        (ROWS, {"calibration": 80}, "calibration takes all 80 reviewable rows"),
        (ROWS, {"calibration": 800}, "calibration takes all 80 reviewable rows"),
        (ROWS, {"strategy": "best"}, "strategy is 'best', not one of uniform"),
        ([ROWS[0], ROWS[0]], {}, "two rows have the id"),
    ],
)
def test_what_cannot_be_drawn_says_so(rows, changes, message):
    with pytest.raises(BadInput, match=message):
        draw(lambda: rows, design(**changes))

"""Which ledger rows verdicts are about."""

from itertools import permutations

import pytest

from builders.review.standing import is_scored, standing_row


def rows(*fates):
    return [
        {"number": number, "status": "kept" if reason is None else "dropped", "reason": reason}
        for number, reason in enumerate(fates)
    ]


@pytest.mark.parametrize(
    ("fates", "number"),
    [
        ((), None),
        (("margin",), 0),
        (("duplicate",), 0),
        (("margin", None), 1),
        ((None, "duplicate"), 0),
        (("duplicate", "rejected_by_people"), 1),
        ((None, "corrected_by_people"), 1),
        (("margin", "duplicate"), 0),
        (("score_missing", "margin"), 1),
        (("margin", "rejected_by_people"), 1),
    ],
)
def test_one_row_of_an_id_stands_for_it_whatever_comes_first(fates, number):
    for order in permutations(rows(*fates)):
        row = standing_row(order)
        assert (row and row["number"]) == number


@pytest.mark.parametrize(
    "fates", [("margin", "margin"), ("rejected_by_people", "corrected_by_people", "margin")]
)
def test_the_first_of_those_that_rank_the_same_stands(fates):
    assert standing_row(rows(*fates))["number"] == 0


def test_rows_kept_or_dropped_for_their_margin_are_scored():
    fates = (None, "margin", "duplicate", "score_missing", "rejected_by_people")
    assert [is_scored(row) for row in rows(*fates)] == [True, True, False, False, False]

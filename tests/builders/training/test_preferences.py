from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.rows import InvalidRow
from builders.rows.schema import validate_preference_row
from builders.training.preferences import LengthMatch, to_preference
from tests.ledger_rows import ledger_row


def pair(index, draft, refinement):
    return {"id": f"row-{index}", "draft": "d" * draft, "refinement": "r" * refinement}


def matched(pairs):
    match = LengthMatch()
    sizes = [[len(row[name]) for name in ("draft", "refinement")] for row in pairs]
    match.add_all([row["id"] for row in pairs], np.array(sizes, int).reshape(-1, 2))
    return [row for row in pairs if match.keeps(row)]


def test_a_pair_prefers_the_refinement():
    row = ledger_row(3, reason=None)
    preference = to_preference(row)
    validate_preference_row(preference)
    assert preference["chosen"][0]["content"] == row["refinement"]
    assert preference["rejected"][0]["content"] == row["draft"]
    assert preference["margin"] == row["refinement_score"] - row["draft_score"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("margin", 9, "margin"),
        ("chosen_score", None, "chosen_score"),
        ("rejected", [], "rejected is empty"),
    ],
)
def test_a_pair_that_means_nothing_is_refused(key, value, said):
    with pytest.raises(InvalidRow, match=said):
        validate_preference_row({**to_preference(ledger_row(3, reason=None)), key: value})


lengths = st.integers(min_value=1, max_value=400)


@given(st.lists(st.tuples(lengths, lengths), max_size=60))
def test_among_matched_pairs_the_longer_one_wins_half_of_the_time(sizes):
    kept = matched([pair(index, *size) for index, size in enumerate(sizes)])
    signs = Counter(
        (len(row["refinement"]) > len(row["draft"])) - (len(row["refinement"]) < len(row["draft"]))
        for row in kept
    )
    assert signs[1] == signs[-1]
    assert signs[0] == sum(draft == refinement for draft, refinement in sizes)


def test_the_smaller_side_of_a_band_is_kept_whole():
    longer = [pair(index, 100, 150) for index in range(20)]
    shorter = [pair(100 + index, 150, 100) for index in range(3)]
    much_longer = [pair(200 + index, 100, 900) for index in range(5)]
    kept = matched([*longer, *shorter, *much_longer])
    assert [row for row in kept if row in shorter] == shorter
    assert sum(row in longer for row in kept) == 3
    assert not any(row in much_longer for row in kept)


def test_what_is_kept_does_not_depend_on_the_order():
    rows = [pair(index, 100, 150 if index % 3 else 60) for index in range(50)]
    ids = {row["id"] for row in matched(rows)}
    assert {row["id"] for row in matched(rows[::-1])} == ids

"""What an address may ask for, and that nothing of it becomes SQL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.errors import BadInput
from builders.view.filters import CHOICES, RANGES, SORTS, STAGES, read_filters

NAMES = [*RANGES, *CHOICES, "q", "reached", "sample", "sort", "other"]


def test_each_filter_is_read():
    found = read_filters(
        [
            ("status", "dropped"),
            ("reason", "margin"),
            ("reason", "-"),
            ("draft_score", "2..5"),
            ("margin", "..-1"),
            ("cost", "0.5.."),
            ("tokens", "7"),
            ("reached", "scored"),
            ("q", "Any TEXT"),
            ("sample", "10"),
            ("sort", "-margin"),
        ]
    )
    assert dict(found.choices) == {"status": ("dropped",), "reason": ("margin", "-")}
    assert dict(found.ranges) == {
        "draft_score": (2, 5),
        "margin": (None, -1),
        "cost": (0.5, None),
        "tokens": (7, 7),
    }
    assert (found.reached, found.text, found.sample) == (3, "Any TEXT", 10)
    assert (found.sort, found.descending) == ("margin", True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("draft_score", "high"),
        ("draft_score", ".."),
        ("draft_score", ""),
        ("draft_score", "nan"),
        ("draft_score", "1..inf"),
        ("cost", "1" * 400),
        ("reached", "published"),
        ("sample", "0"),
        ("sample", "1_0"),
        ("sample", "99999999999"),
        ("sort", "id"),
        ("sort", "--margin"),
        ("q", "x" * 1001),
        ("n", "1"),
        ("1=1; --", "x"),
    ],
    ids=str,
)
def test_what_means_nothing_is_refused(name, value):
    with pytest.raises(BadInput):
        read_filters([(name, value)])


@given(st.lists(st.tuples(st.sampled_from(NAMES) | st.text(), st.text()), max_size=6))
def test_no_value_becomes_sql(query):
    try:
        found = read_filters(query)
    except BadInput:
        return
    where, order = found.where(), found.order()
    sql = " ".join([where.condition, *order.parts])
    known = set("()?<>=,' -") | set("0123456789")
    words = {*RANGES, *SORTS, *STAGES, *(c for columns in CHOICES.values() for c in columns)}
    words |= {"IN", "coalesce", "hash", "id", "reached", "true"}
    words |= {"AND", "OR", "ORDER", "BY", "LIMIT", "ASC", "DESC", "NULLS", "LAST"}
    bare = "".join(" " if character in known else character for character in sql)
    assert set(bare.split()) <= words
    assert sql.count("?") == len(where.parameters) + len(order.parameters)

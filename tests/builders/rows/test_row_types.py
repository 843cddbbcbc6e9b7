"""Whatever a row holds, it is valid or an `InvalidRow` that says where; columns say the same."""

import copy
import math
import re
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.rows import InvalidRow
from builders.rows.schema import FEEDBACK_ROWS, LEDGER_ROWS, PREFERENCE_ROWS, SFT_ROWS, VERDICT_ROWS
from tests.builders.rows.valid_rows import HISTORY, ROW_TYPES, valid_row

EACH = pytest.mark.parametrize("rows", ROW_TYPES, ids=lambda rows: rows.name)

TEXTS = st.sampled_from(
    ["", " ", "\u3000\n", "word", "漢字", "kept", "dropped", "margin", "user", "assistant", "draft"]
)
HOSTILE = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from([-1, 0, 5, 11, 2**31, 2**63, 2**70]),
        st.sampled_from([math.nan, math.inf, -0.5, 0.0, 7.0, 7.9]),
        TEXTS,
        st.sampled_from(["\ud800", b"bytes", object(), datetime(2026, 1, 1), ("a",), {"a"}]),
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


def places(value, path=()):
    """The path of each value in a row, with the row's own."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))
        else:
            yield (*path, key)


def replaced(row, path, value):
    if not path:
        return value
    row = copy.copy(row)
    row[path[0]] = replaced(row[path[0]], path[1:], value)
    return row


def problem(rows, row):
    try:
        rows.validate(row)
    except InvalidRow as error:
        return str(error)
    return None


@EACH
def test_the_rows_that_are_broken_here_are_valid(rows):
    row = valid_row(rows)
    assert problem(rows, row) is None
    table = pa.Table.from_pylist([row], rows.schema)
    assert table.to_pylist() == [row]
    assert rows.holds(table)
    assert rows.holds(table.slice(1))
    assert rows.features.arrow_schema.names == list(rows.columns) == list(row)


@EACH
@pytest.mark.parametrize("value", [2**31 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 10**30])
def test_a_large_number_in_any_place_can_be_stored_or_is_invalid(rows, value):
    for path in places(valid_row(rows)):
        broken = replaced(valid_row(rows), path, value)
        if problem(rows, broken) is None:
            assert rows.holds(pa.Table.from_pylist([broken], rows.schema)), path


@EACH
@given(data=st.data())
def test_anything_in_any_place_is_valid_or_said_to_be_invalid_there(rows, data):
    row = valid_row(rows)
    path = data.draw(st.sampled_from(list(places(row))))
    broken = replaced(row, path, data.draw(HOSTILE))
    said = problem(rows, broken)
    if said is None:
        # What is valid can be stored.
        stored = pa.Table.from_pylist([broken], rows.schema)
        assert rows.holds(stored)
    else:
        # A rule between columns names one of them first.
        assert path == () or re.match(r"\w+", said)[0] in rows.columns


def _values(kind: pa.DataType) -> st.SearchStrategy:
    if pa.types.is_list(kind):
        return st.lists(_values(kind.value_type), max_size=3)
    if pa.types.is_struct(kind):
        return st.none() | st.fixed_dictionaries({one.name: _values(one.type) for one in kind})
    if pa.types.is_integer(kind):
        return st.none() | st.integers(-1, 11)
    if pa.types.is_floating(kind):
        return st.sampled_from([None, -0.5, 0.0, 0.5, 1.0, 10.0, 11.0, math.nan, math.inf])
    if pa.types.is_boolean(kind):
        return st.none() | st.booleans()
    if pa.types.is_timestamp(kind):
        return st.sampled_from([None, *(datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2030))])
    return st.none() | TEXTS


@EACH
@given(data=st.data())
def test_columns_say_of_a_table_what_its_rows_say(rows, data):
    made = []
    for _ in range(data.draw(st.integers(1, 3))):
        names = data.draw(st.lists(st.sampled_from(list(rows.columns)), max_size=2))
        kinds = {name: rows.schema.field(name).type for name in names}
        made.append(valid_row(rows, **{name: data.draw(_values(kinds[name])) for name in kinds}))
    # Cut from a larger table, as a release's batches are.
    table = pa.Table.from_pylist([*made, valid_row(rows)], rows.schema).slice(1)
    problems = [problem(rows, row) for row in table.to_pylist()]
    assert rows.holds(table) == (set(problems) == {None})
    for batch in table.to_batches():
        assert rows.holds(batch) == rows.holds(table)
    if rows.holds(table):
        assert rows.check_table(table) is table
    else:
        with pytest.raises(InvalidRow) as error:
            rows.check_table(table)
        assert next(filter(None, problems)) in str(error.value)


@pytest.mark.parametrize("rows", [LEDGER_ROWS, FEEDBACK_ROWS], ids=lambda rows: rows.name)
@pytest.mark.parametrize(
    ("history", "says"),
    [
        (None, "history is NoneType, not a list of turns"),
        ("Hi", "history is str, not a list of turns"),
        ({"role": "user", "content": "Hi"}, "history is dict, not a list of turns"),
        ([None], "history[0] is missing"),
        (["Hi"], "history[0] is str, not a mapping"),
        ([{"role": "user"}], "history[0] has missing keys ['content']"),
        ([{**HISTORY[0], "name": "a"}], "unknown keys ['name']"),
        ([{**HISTORY[0], "role": "system"}], "history[0].role is 'system'"),
        ([{**HISTORY[0], "role": None}], "history[0].role is None"),
        ([HISTORY[0], {**HISTORY[1], "content": " \n"}], "history[1].content is blank"),
        ([{**HISTORY[0], "content": "\udfff"}], "history[0].content has a lone surrogate"),
        (HISTORY[:1], "history has the roles user, which do not alternate"),
        (HISTORY[::-1], "history has the roles assistant, user, which do not alternate"),
        (
            [*HISTORY, HISTORY[0]],
            "history has the roles user, assistant, user, which do",
        ),
    ],
)
def test_histories_that_are_refused(rows, history, says):
    assert says in problem(rows, valid_row(rows, history=history))


@pytest.mark.parametrize("rows", [LEDGER_ROWS, FEEDBACK_ROWS], ids=lambda rows: rows.name)
def test_a_history_may_be_empty_and_criteria_null_and_not_blank(rows):
    assert problem(rows, valid_row(rows, history=[], criteria=None)) is None
    assert problem(rows, valid_row(rows, criteria="\t")) == "criteria is blank"


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"tokens_reasoning": -1}, "calls[0].tokens_reasoning is -1, outside 0 to 2147483647"),
        ({"tokens_reasoning": 1.0}, "calls[0].tokens_reasoning is 1.0, not a whole number"),
        ({"tokens_reasoning": True}, "calls[0].tokens_reasoning is True, not a whole number"),
        ({"reasoning": ["a"]}, "calls[0].reasoning is list, not text"),
        ({"step": "think"}, "calls[0].step is 'think', not one of draft, critique"),
        ({"cost": math.nan}, "calls[0].cost is nan"),
        ({"failures": [" "]}, "calls[0].failures[0] is blank"),
    ],
)
def test_calls_that_are_refused(columns, says):
    row = valid_row(LEDGER_ROWS)
    row["calls"][0] |= columns
    assert problem(LEDGER_ROWS, row).startswith(says)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"margin": 4}, "margin is 4, and the scores say 5"),
        ({"chosen": valid_row(PREFERENCE_ROWS)["rejected"]}, "chosen and rejected are the same"),
        ({"prompt": None}, "prompt is NoneType, not a list of turns"),
        ({"prompt": []}, "prompt is empty"),
        ({"prompt": HISTORY}, "prompt does not end with the user's turn"),
        ({"rejected": HISTORY}, "rejected is not one turn of the assistant"),
    ],
)
def test_preferences_that_are_refused(columns, says):
    assert problem(PREFERENCE_ROWS, valid_row(PREFERENCE_ROWS, **columns)) == says


def test_a_number_of_rows_needs_its_stratum():
    without = valid_row(VERDICT_ROWS, stratum=None)
    assert problem(VERDICT_ROWS, without) == "stratum_rows is 400, and there is no stratum"
    assert problem(VERDICT_ROWS, {**without, "stratum_rows": None}) is None
    assert problem(VERDICT_ROWS, valid_row(VERDICT_ROWS, stratum_rows=None)) is None
    assert "stratum_rows is 0" in problem(VERDICT_ROWS, valid_row(VERDICT_ROWS, stratum_rows=0))


@pytest.mark.parametrize("row", [None, [], "row", {}, {1: 2}])
def test_what_is_no_row(row):
    assert problem(SFT_ROWS, row).startswith("row ")

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.rows import InvalidRow
from builders.rows.conversations import Answer, History, Prompt

TURN = pa.struct({"role": pa.string(), "content": pa.string()})
ROLES = st.sampled_from(["system", "user", "assistant", "bot"])
# Mostly in order, which chance alone seldom is.
CONVERSATIONS = st.one_of(
    st.lists(ROLES, max_size=4),
    st.integers(0, 4).map(lambda size: ["user", "assistant", "user", "assistant"][:size]),
    st.just(["assistant"]),
)


def turns(roles):
    return [{"role": role, "content": "…"} for role in roles]


def is_valid(kind, value):
    try:
        kind.check(value)
    except InvalidRow:
        return False
    return True


@pytest.mark.parametrize(
    "kind",
    [Prompt(), Answer(), History(), Prompt(last="assistant")],
    ids=["Prompt", "Answer", "History", "answered"],
)
@given(rows=st.lists(CONVERSATIONS, max_size=4), skipped=st.integers(0, 1))
def test_a_column_is_valid_if_each_conversation_is(kind, rows, skipped):
    column = pa.array([turns(roles) for roles in rows], pa.list_(TURN)).slice(skipped)
    assert kind.holds(column) == all(is_valid(kind, value) for value in column.to_pylist())


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Prompt(), ["system user", "user assistant user"], ["", "user assistant"]),
        (Prompt(last="assistant"), ["user assistant"], ["", "user", "assistant user"]),
        (Answer(), ["assistant"], ["", "user", "assistant assistant"]),
        (History(), ["", "user assistant"], ["user", "assistant user", "system user assistant"]),
    ],
)
def test_the_order_of_roles(kind, good, bad):
    assert all(is_valid(kind, turns(roles.split())) for roles in good)
    assert not any(is_valid(kind, turns(roles.split())) for roles in bad)


def test_two_halves_of_a_pair_are_not_a_pair():
    column = pa.array([turns(["user"]), turns(["assistant"])], pa.list_(TURN))
    assert not History().holds(column)

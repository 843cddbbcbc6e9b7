"""Columns of a release made and checked whole, since a million rows are too many one by one."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builders.schema import InvalidRow

ROLES = pa.array(["system", "user", "assistant"])


def last_of_step(calls: pa.ListArray, step: str, key: str) -> pa.Array:
    """`key` of each row's last call of `step`, or null: the last one gave what was kept."""
    parents = pc.list_parent_indices(calls).to_numpy()
    flat = calls.flatten()
    wanted = pc.equal(flat.field("step"), step).to_numpy(zero_copy_only=False)
    last = np.full(len(calls), -1)
    # Of several values for one place, the last one stays.
    last[parents[wanted]] = np.flatnonzero(wanted)
    return flat.field(key).take(pa.array(last, mask=last < 0))


def check_rows(
    table: pa.Table,
    sound: Callable[[pa.Table], bool],
    validate: Callable[[Mapping[str, Any]], None],
) -> pa.Table:
    """`table`; where its columns are not `sound`, the rows are asked one by one.

    Raises `InvalidRow` as `validate` does, with the row's id in front.
    """
    if not sound(table):
        for row in table.to_pylist():
            try:
                validate(row)
            except InvalidRow as error:
                raise InvalidRow(f"row {row['id']} cannot be released: {error}") from None
    return table


def full(column: pa.Array) -> bool:
    return column.null_count == 0


def all_text(column: pa.Array) -> bool:
    """Whether no text is missing or blank."""
    if column.null_count:
        return False
    blank = pc.or_(pc.utf8_is_space(column), pc.equal(column, ""))
    return not pc.any(blank).as_py()


def all_scores(column: pa.Array) -> bool:
    if column.null_count:
        return False
    bounds = pc.min_max(column).as_py()
    return len(column) == 0 or (bounds["min"] >= 1 and bounds["max"] <= 10)


def all_critiques(column: pa.StructArray) -> bool:
    """Whether each is there, with a score and no blank text."""
    texts = (column.field(part).flatten() for part in ("weaknesses", "suggestions"))
    there = full(column) and full(column.field("weaknesses")) and full(column.field("suggestions"))
    return there and all_scores(column.field("score")) and all(map(all_text, texts))


def all_asked(column: pa.ListArray) -> bool:
    """Whether each is a conversation that ends with the user's turn."""
    return _sound_messages(column) and _last_role(column) == {"user"}


def all_answers(column: pa.ListArray) -> bool:
    """Whether each is one turn of the assistant."""
    single = pc.all(pc.equal(pc.list_value_length(column), 1)).as_py()
    return _sound_messages(column) and bool(single) and _last_role(column) == {"assistant"}


def _sound_messages(column: pa.ListArray) -> bool:
    if column.null_count or not pc.all(pc.greater(pc.list_value_length(column), 0)).as_py():
        return False
    messages = column.flatten()
    roles = messages.field("role")
    known = full(messages) and full(roles) and pc.all(pc.is_in(roles, ROLES)).as_py()
    return bool(known) and all_text(messages.field("content"))


def _last_role(column: pa.ListArray) -> set[str]:
    ends = np.cumsum(pc.list_value_length(column).to_numpy())
    return set(pc.unique(column.flatten().field("role").take(pa.array(ends - 1))).to_pylist())

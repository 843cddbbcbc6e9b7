"""Which models made a ledger row, and the names of models and sources as a release shows them."""

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_PATH = re.compile(r"(?:[/~\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\]|file:)")


def public_name(name: str) -> str:
    """`name`, or its last part if it is a path, which means nothing on another machine.

    >>> public_name("/home/ada/models/critic-7b"), public_name("org/critic-7b")
    ('critic-7b', 'org/critic-7b')
    """
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1] if _PATH.match(name) else name


def with_public_names(table: pa.Table) -> pa.Table:
    """Ledger rows with the names of their sources and models made public."""
    for name in ("source", "calls", "control_scores"):
        column = table[name].combine_chunks()
        names = column.flatten().field("model") if name != "source" else column
        # Almost always; copies of a ledger's columns take their time.
        if all(public_name(one) == one for one in pc.unique(names).to_pylist()):
            continue
        column = _each(column, public_name) if name == "source" else _with_public_models(column)
        table = table.set_column(table.column_names.index(name), table.schema.field(name), column)
    return table


def _with_public_models(column: pa.ListArray) -> pa.ListArray:
    """Lists of structs, with their field `model` made public."""
    items = column.flatten()
    fields = [field.name for field in items.type]
    values = [
        _each(items.field(name), public_name) if name == "model" else items.field(name)
        for name in fields
    ]
    # The offsets of a slice begin where the slice does; its flattened values begin at zero.
    offsets = pc.subtract(column.offsets, column.offsets[0])
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(values, fields))


def _each(column: pa.Array, change: Callable[[str], str]) -> pa.Array:
    """`change` of each text, computed once for each of the few different ones."""
    coded = column.dictionary_encode()
    return pa.array(map(change, coded.dictionary.to_pylist()), pa.string()).take(coded.indices)


def last_of_step(calls: pa.ListArray, step: str, key: str) -> pa.Array:
    """`key` of each row's last call of `step`, or null: the last call gave what was kept.

    >>> kind = pa.list_(pa.struct({"step": pa.string(), "model": pa.string()}))
    >>> draft, again = {"step": "draft", "model": "a"}, {"step": "draft", "model": "b"}
    >>> last_of_step(pa.array([[draft, again], [], [draft]], kind), "draft", "model").to_pylist()
    ['b', None, 'a']
    """
    rows = pc.list_parent_indices(calls).to_numpy()
    flat = calls.flatten()
    of_step = pc.equal(flat.field("step"), step).to_numpy(zero_copy_only=False)
    last = np.full(len(calls), -1)
    # Of several values assigned to one place, numpy keeps the last one.
    last[rows[of_step]] = np.flatnonzero(of_step)
    return flat.field(key).take(pa.array(last, mask=last < 0))

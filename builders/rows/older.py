"""Tables and manifests of older schemas, in the form of the current one.

2.0 has other names for some columns and keys of 1.x. Columns that are newer than a row are null in
it, or empty if they are lists. A file's version is recognized by its columns, since a run that was
begun with one version and finished with another has files of both.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builders.renamed import CHECKS
from builders.rows.row_type import RowType
from builders.rows.schema import SCHEMA_VERSION

VERSIONS = ("1.0", "1.1", "2.0")
_FIRST = ("1.0", "1.1")


@dataclass(frozen=True)
class _Changes:
    """What 2.0 changed in a table: the new names of columns with the old ones, and new columns."""

    renamed: Mapping[str, str] = field(default_factory=dict)
    added: frozenset[str] = frozenset()


_LICENSE = {"license": "licence"}
_ANSWERS = {"draft": "response", "draft_score": "response_score"}
_CONVERSATION = frozenset({"history", "criteria"})
_TABLES = {
    "ledger": _Changes(_LICENSE, _CONVERSATION),
    "corrections": _Changes(_LICENSE, _CONVERSATION),
    "feedback": _Changes(_LICENSE | _ANSWERS, _CONVERSATION),
    "preferences": _Changes({**_LICENSE, "draft_model": "model"}),
    "pairs": _Changes(added=frozenset({"criteria"})),
    "drawn": _Changes(added=frozenset({"stratum_rows"})),
    "verdicts": _Changes(added=frozenset({"stratum", "stratum_rows"})),
}
_UNCHANGED = _Changes()
# Columns by the version that added them to whichever table has them.
_ADDED = {
    "1.1": frozenset({"human_verdict"}),
    "2.1": frozenset({"control_scores"}),
}
# The same for the fields of `calls`.
_ADDED_TO_CALLS = {
    "2.0": frozenset({"tokens_reasoning", "reasoning"}),
    "2.1": frozenset({"system"}),
}


@cache
def stored_schema(rows: RowType, version: str) -> pa.Schema:
    """The columns of a file with these rows that a schema version wrote."""
    if version not in VERSIONS:
        return rows.schema
    changes = _changes(rows, version)
    added = changes.added | _added_since(version, _ADDED)
    calls = _added_since(version, _ADDED_TO_CALLS)
    fields = [one for one in rows.schema if one.name not in added]
    return pa.schema([_old_field(one, changes, calls) for one in fields])


def _added_since(version: str, added: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The names that were added after a version."""
    return frozenset().union(*(names for since, names in added.items() if since > version))


def _changes(rows: RowType, version: str) -> _Changes:
    """What 2.0 changed in a table since the version."""
    return _TABLES.get(rows.name, _UNCHANGED) if version in _FIRST else _UNCHANGED


def version_of(stored: pa.Schema, rows: RowType) -> str | None:
    """The latest schema version that wrote such columns; None if they are not those of `rows`."""
    for version in (SCHEMA_VERSION, *reversed(VERSIONS)):
        if stored.equals(stored_schema(rows, version)):
            return version
    return None


def stored_columns(rows: RowType, version: str, columns: Iterable[str]) -> list[str]:
    """Those of the columns that files of the version have, by the names that they have there."""
    old = _changes(rows, version).renamed
    names = [old.get(name, name) for name in columns]
    stored = stored_schema(rows, version).names
    # A table without any column has no rows.
    return [name for name in names if name in stored] or stored[:1]


def upgraded(table: pa.Table, rows: RowType, columns: Sequence[str]) -> pa.Table:
    """The columns of this schema from an older table, which has those of `stored_columns`."""
    renamed = _TABLES.get(rows.name, _UNCHANGED).renamed
    old = {new: name for new, name in renamed.items() if name in table.column_names}
    fields = [rows.schema.field(name) for name in columns]
    arrays = []
    for name, kind in ((one.name, one.type) for one in fields):
        if (stored := old.get(name, name)) not in table.column_names:
            arrays.append(_new_column(kind, len(table)))
        elif name == "calls":
            arrays.append(_upgraded_calls(table[stored].combine_chunks(), kind))
        else:
            arrays.append(table[stored])
    return pa.table(arrays, schema=pa.schema(fields))


def _old_field(new: pa.Field, changes: _Changes, added_to_calls: frozenset[str]) -> pa.Field:
    if new.name != "calls":
        return new.with_name(changes.renamed.get(new.name, new.name))
    call = [part for part in new.type.value_type if part.name not in added_to_calls]
    return new.with_type(pa.list_(pa.struct(call)))


def _new_column(kind: pa.DataType, rows: int) -> pa.Array:
    """Nulls, or empty lists where a list is never null."""
    if not pa.types.is_list(kind):
        return pa.nulls(rows, kind)
    offsets = pa.array(np.zeros(rows + 1, np.int32))
    return pa.ListArray.from_arrays(offsets, pa.nulls(0, kind.value_type), type=kind)


def _upgraded_calls(calls: pa.ListArray, kind: pa.ListType) -> pa.ListArray:
    old = calls.flatten()
    names = {one.name for one in old.type}
    fields = list(kind.value_type)
    arrays = [
        pc.struct_field(old, one.name) if one.name in names else pa.nulls(len(old), one.type)
        for one in fields
    ]
    # The offsets of a slice begin where the slice does; its flattened values begin at zero.
    ends = pc.cumulative_sum(pc.fill_null(pc.list_value_length(calls), 0))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends.cast(pa.int32())])
    call = pa.StructArray.from_arrays(arrays, fields=fields)
    return pa.ListArray.from_arrays(offsets, call, type=kind)


def upgraded_manifest(facts: Any) -> Any:
    """A manifest of a run or a release with the keys of 2.x; one of 2.x, or damaged, as it is.

    `schema_version` stays, as the files have that schema.
    """
    if not isinstance(facts, dict) or facts.get("schema_version") not in _FIRST:
        return facts
    facts = _renamed(facts)
    if isinstance(facts.get("sources"), list):
        facts["sources"] = [_renamed(source) for source in facts["sources"]]
    gate = facts.get("gate")
    if isinstance(gate, dict) and isinstance(gate.get("checks"), list):
        facts["gate"] = {**gate, "checks": [_upgraded_check(check) for check in gate["checks"]]}
    return facts


def _upgraded_check(check: Any) -> Any:
    if not isinstance(check, dict):
        return check
    name, figures = check.get("name"), check.get("figures")
    renamed = CHECKS.get(name, name) if isinstance(name, str) else name
    return {**check, "name": renamed, "figures": _renamed(figures)}


def _renamed(facts: Any) -> Any:
    if not isinstance(facts, dict):
        return facts
    return {_NEW_KEYS.get(key, key): value for key, value in facts.items()}


_NEW_KEYS = {"licence": "license", "rows_by_licence": "rows_by_license"}

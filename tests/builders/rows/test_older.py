"""Tables of older schemas, one column at a time; `tests/schema_1` has whole folders."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.errors import BadInput
from builders.rows.older import stored_schema, upgraded_manifest, version_of
from builders.rows.read import read_rows, read_tables
from builders.rows.schema import (
    CORRECTION_ROWS,
    FEEDBACK_ROWS,
    LEDGER_ROWS,
    PREFERENCE_ROWS,
    SCHEMA_VERSION,
    VERDICT_ROWS,
)
from tests.builders.rows.valid_rows import ROW_TYPES, valid_row

FOLDER = Path(__file__).parents[2] / "schema_1"
RUN = FOLDER / "runs/questions/ledger/part-000000.parquet"


def released(config):
    (path,) = (FOLDER / "releases/questions@v1.1.0" / config).glob("train-*.parquet")
    return path


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        (RUN, LEDGER_ROWS),
        (released("feedback"), FEEDBACK_ROWS),
        (released("verdicts"), VERDICT_ROWS),
        (
            FOLDER / "releases/pairs@v1.0.0/preferences/train-00000-of-00001.parquet",
            PREFERENCE_ROWS,
        ),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_rows_of_1_1_are_valid_rows_of_2_0(path, rows):
    assert version_of(pq.read_schema(path), rows) == "1.1"
    for table in read_tables(path, rows):
        assert table.schema.equals(rows.schema)
        assert rows.holds(table)
    for row in read_rows(path, rows):
        rows.validate(row)


def test_the_values_stay_and_what_is_new_is_empty():
    old = pq.read_table(RUN).to_pylist()
    new = list(read_rows(RUN, LEDGER_ROWS))
    for before, after in zip(old, new, strict=True):
        assert (after["history"], after["criteria"]) == ([], None)
        assert after["license"] == before["licence"]
        same = before.keys() - {"licence", "calls"}
        assert {key: after[key] for key in same} == {key: before[key] for key in same}
        new_keys = {"reasoning": None, "tokens_reasoning": None, "system": None}
        assert after["calls"] == [{**call, **new_keys} for call in before["calls"]]


@pytest.mark.parametrize(
    "columns", [["license"], ["calls", "id"], ["history"], ["criteria", "history", "draft_score"]]
)
def test_chosen_columns_are_those_of_all(columns):
    whole = pa.concat_tables(read_tables(RUN, LEDGER_ROWS))
    chosen = pa.concat_tables(read_tables(RUN, LEDGER_ROWS, columns, batch_rows=7))
    assert chosen.column_names == columns
    assert chosen.to_pylist() == whole.select(columns).to_pylist()


@pytest.mark.parametrize("rows", [LEDGER_ROWS, CORRECTION_ROWS], ids=lambda rows: rows.name)
def test_calls_of_2_0_have_no_system_prompt(tmp_path, rows):
    path, row = tmp_path / "part.parquet", valid_row(rows)
    old = {**row, "calls": [dict(call) for call in row["calls"]]}
    assert {call.pop("system") for call in old["calls"]} != {None}
    del old["control_scores"]
    pq.write_table(pa.Table.from_pylist([old, old], stored_schema(rows, "2.0")), path)
    assert version_of(pq.read_schema(path), rows) == "2.0"
    calls = [{**call, "system": None} for call in row["calls"]]
    assert list(read_rows(path, rows)) == [{**row, "calls": calls, "control_scores": []}] * 2


def test_a_file_of_1_0_is_one_of_1_1_without_people(tmp_path):
    path = tmp_path / "feedback.parquet"
    old = pq.read_table(released("feedback")).drop_columns("human_verdict")
    pq.write_table(old, path)
    assert version_of(old.schema, FEEDBACK_ROWS) == "1.0"
    rows = list(read_rows(path, FEEDBACK_ROWS))
    assert len(rows) == len(old)
    assert {row["human_verdict"] for row in rows} == {None}


@pytest.mark.parametrize("rows", ROW_TYPES, ids=lambda rows: rows.name)
def test_a_file_of_today_is_read_as_it_is(tmp_path, rows):
    table = pa.Table.from_pylist([valid_row(rows)] * 3, rows.schema)
    pq.write_table(table, tmp_path / "rows.parquet")
    assert list(read_rows(tmp_path / "rows.parquet", rows)) == table.to_pylist()
    assert version_of(table.schema, rows) == SCHEMA_VERSION


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table.drop_columns("licence"), "its columns are not those of ledger rows"),
        (lambda table: table.append_column("more", table["id"]), "its columns are not those"),
        (lambda table: table.select(table.column_names[::-1]), "its columns are not those"),
    ],
)
def test_other_columns_are_refused(tmp_path, change, says):
    path = tmp_path / "part.parquet"
    pq.write_table(change(pq.read_table(RUN)), path)
    with pytest.raises(BadInput, match=says):
        list(read_tables(path, LEDGER_ROWS))


@pytest.mark.parametrize("content", [b"", b"PAR1", RUN.read_bytes()[:-9]])
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "part.parquet"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"part\.parquet: not parquet"):
        list(read_tables(path, LEDGER_ROWS))


def test_calls_of_no_row_and_of_a_slice(tmp_path):
    old = pq.read_table(RUN)
    for number, part in enumerate((old.slice(0, 0), old.slice(3, 2), old.slice(len(old) - 1))):
        path = tmp_path / f"{number}.parquet"
        pq.write_table(part, path)
        calls = [row["calls"] for row in read_rows(path, LEDGER_ROWS)]
        assert [len(of_row) for of_row in calls] == [len(row) for row in part["calls"].to_pylist()]


def test_the_columns_of_1_1_are_not_those_of_today():
    unchanged = {rows.name for rows in ROW_TYPES if stored_schema(rows, "1.1") == rows.schema}
    assert unchanged == {"sft", "kto"}


def test_a_manifest_has_the_keys_of_2_0():
    old = {
        "schema_version": "1.1",
        "licence": "mit",
        "sources": [{"name": "licence", "licence": "mit"}],
        "gate": {"checks": [{"name": "licences", "figures": {"rows_by_licence": {"mit": 3}}}]},
    }
    assert upgraded_manifest(old) == {
        "schema_version": "1.1",
        "license": "mit",
        "sources": [{"name": "licence", "license": "mit"}],
        "gate": {"checks": [{"name": "licenses", "figures": {"rows_by_license": {"mit": 3}}}]},
    }
    assert upgraded_manifest(upgraded_manifest(old)) == upgraded_manifest(old)


@pytest.mark.parametrize(
    "facts",
    [
        None,
        [],
        {"licence": "mit"},
        {"schema_version": "2.0", "licence": "mit"},
        {"schema_version": ["1.1"], "licence": "mit"},
        {"schema_version": "1.1", "sources": 3, "gate": {"checks": [1, {"name": ["x"]}]}},
        {"schema_version": "1.1", "sources": [None], "gate": []},
    ],
)
def test_a_damaged_manifest_is_left_to_its_reader(facts):
    changed = upgraded_manifest(facts)
    if isinstance(facts, dict) and facts.get("schema_version") == "1.1":
        assert changed.keys() == facts.keys()
    else:
        assert changed == facts


@pytest.mark.parametrize("rows", [LEDGER_ROWS, FEEDBACK_ROWS], ids=lambda rows: rows.name)
def test_rows_of_2_0_have_no_control_scores(tmp_path, rows):
    row = valid_row(rows, control_scores=[])
    for call in row.get("calls", ()):
        call["system"] = None
    table = pa.Table.from_pylist([row] * 3, stored_schema(rows, "2.0"))
    assert "control_scores" not in table.column_names
    pq.write_table(table, tmp_path / "rows.parquet")
    assert version_of(pq.read_schema(tmp_path / "rows.parquet"), rows) == "2.0"
    assert list(read_rows(tmp_path / "rows.parquet", rows)) == [row] * 3
    (only,) = read_tables(tmp_path / "rows.parquet", rows, ["control_scores"])
    assert only.to_pylist() == [{"control_scores": []}] * 3

"""Files as people have them: each is read as `load_dataset` reads it, or refused by what it is."""

import bz2
import csv
import gzip
import io
import json
import lzma
import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, DatasetDict
from hypothesis import given
from hypothesis import strategies as st

from builders.errors import BadInput
from builders.files.tables import read_rows, read_table

ROWS = [{"instruction": "Say hé", "input": ""}, {"instruction": "Translate", "input": "chat"}]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
SPREAD = json.dumps(ROWS[0], indent=2) + "\n" + json.dumps(ROWS[1], indent=2)


def table(separator, rows=ROWS):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def compressed(codec):
    def pack(data):
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, codec) as out:
            out.write(data)
        return sink.getvalue().to_pybytes()

    return pack


TEXTS = {
    "rows.jsonl": LINES,
    "rows.ndjson": f"\n{LINES}\n\n",
    "lines.json": LINES,
    "one_after_another.json": SPREAD,
    "list.json": json.dumps(ROWS, indent=1),
    "list_on_a_line.jsonl": json.dumps(ROWS),
    "data.json": json.dumps({"version": "1", "data": ROWS}),
    "data_on_lines.json": json.dumps({"version": "1", "data": ROWS}, indent=2),
    "comma.csv": table(","),
    "semicolon.csv": table(";"),
    "tab.csv": table("\t"),
    "tab.tsv": table("\t"),
    "bar.csv": table("|"),
    "old_mac.csv": table(",").replace("\r\n", "\r"),
    "excel.csv": "sep=;\r\n" + table(";"),
    "trimmed.csv": table(",").replace("instruction,input", " instruction , input "),
    "quoted.csv": table(";").replace("instruction;", '"instruction";'),
}


def read(path):
    return [dict(row.values) for row in read_rows(path)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_read_whatever_its_form(tmp_path, name, encoding):
    path = tmp_path / name
    path.write_bytes(TEXTS[name].encode(encoding))
    assert read(path) == ROWS


@pytest.mark.parametrize(
    ("ending", "pack"),
    [
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
        (".zst", compressed("zstd")),
        (".lz4", compressed("lz4")),
    ],
)
@pytest.mark.parametrize("name", ["rows.jsonl", "list.json", "semicolon.csv", "tab.tsv"])
def test_a_text_is_read_compressed(tmp_path, name, ending, pack):
    path = tmp_path / f"{name}{ending}"
    path.write_bytes(pack(TEXTS[name].encode()))
    assert read(path) == ROWS
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(BadInput, match="cannot be read"):
        read(path)


def test_folders_and_files_of_datasets(tmp_path):
    data = Dataset.from_list(ROWS)
    data.save_to_disk(tmp_path / "one")
    DatasetDict(train=data).save_to_disk(tmp_path / "split")
    DatasetDict(train=data, test=data.select([1])).save_to_disk(tmp_path / "splits")
    (arrow,) = (tmp_path / "one").glob("*.arrow")
    for path in (tmp_path / "one", tmp_path / "split", tmp_path / "splits" / "train", arrow):
        assert read(path) == ROWS
    assert read(tmp_path / "splits" / "test") == ROWS[1:]
    with pytest.raises(BadInput, match=r"it has the splits train, test; name one: .*/train"):
        read(tmp_path / "splits")
    with pytest.raises(BadInput, match="save_to_disk did not write; name a file"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.jsonl", b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"),
        ("a.csv", b"PK\x03\x04...", "a ZIP archive or an Excel workbook"),
        ("a.jsonl", gzip.compress(b"{}", mtime=0), "compressed with gzip; name it .gz"),
        ("a.json", b"PAR1", "a parquet file"),
        ("a.json", b"<!DOCTYPE html><html>", "a web page"),
        ("a.txt", b"{}", "not one of .jsonl, "),
        ("a.csv", b"a, a\n1,2\n", "a.csv:1: the header has 'a' twice"),
        ("a.json", b'[{"a": 1}, {"a"', "row 2: not JSON"),
        ("a.json", b'[{"a": 1} {"a": 1}]', "after row 1: not JSON (',' or ']' is missing)"),
        ("a.json", b'[{"a": 1}] {"a": 1}', "not JSON (the list has no end, or text follows it)"),
        ("a.csv", '\ufeffa,b\n"1'.encode("utf-16")[:-1], "not UTF-16"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_name(tmp_path, name, data, says):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(BadInput) as error:
        list(read_table(path))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_column_that_a_table_has_twice_is_refused(tmp_path):
    table = pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["a", "a"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(BadInput, match="it has the column 'a' twice"):
        read(tmp_path / "a.parquet")


GOOD = b'{"a": "1"}\n'


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("a.jsonl", GOOD + b'{"a": "2", "a": "3"}\n' + GOOD, "the key 'a' appears twice"),
        ("a.jsonl", GOOD + b'{"a": {"b": 1, "b": 2}}\n' + GOOD, "the key 'b' appears twice"),
        ("a.jsonl", GOOD + b'{"a": "2"\n' + GOOD, "not JSON"),
        ("a.jsonl", GOOD + b'{"a": "2"} {}\n' + GOOD, "more text after the row"),
        ("a.jsonl", GOOD + b'{"a": "\xff"}\n' + GOOD, "not UTF-8"),
        ("a.jsonl", GOOD + b"[1]\n" + GOOD, "a row has to be an object, not list"),
        ("a.csv", b"a,b\n1,2\n3\n1,2\n", "not as many cells as the header has (1, not 2)"),
        ("a.csv", b"a,b\n1,2\n3,4,5\n1,2\n", "not as many cells as the header has (3, not 2)"),
        ("a.csv", b"a,b\n1,2\n3,\xe9\n1,2\n", "not UTF-8"),
        ("a.json", b'[{"a": 1}, {"a": 1, "a": 2}, {"a": 1}]', "the key 'a' appears twice"),
        ("a.json", b'[{"a": 1}, 7, {"a": 1}]', "a row has to be an object, not int"),
    ],
)
def test_a_fault_of_one_row_leaves_the_others(tmp_path, name, data, fault):
    path = tmp_path / name
    path.write_bytes(data)
    rows = list(read_rows(path))
    assert [bool(row.fault) for row in rows] == [False, True, False]
    assert fault in rows[1].fault
    place = {".jsonl": "a.jsonl:2: ", ".csv": "a.csv:3: ", ".json": "a.json: row 2: "}[path.suffix]
    with pytest.raises(BadInput) as error:
        list(read_table(path))
    assert f"{place}{rows[1].fault}" in str(error.value)


def test_a_row_of_csv_stands_where_it_begins(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('sep=,\na\n"one\n\ntwo"\nthree\n\nfour\n')
    assert [(row.at, row.values["a"]) for row in read_rows(path)] == [
        ("line 3", "one\n\ntwo"),
        ("line 6", "three"),
        ("line 8", "four"),
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(rows=st.lists(st.dictionaries(st.text(), VALUES, min_size=1, max_size=4), min_size=1))
def test_json_is_read_in_each_form(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("json")
    forms = {
        "a.jsonl": "\n".join(json.dumps(row) for row in rows),
        "b.json": json.dumps({"rows": rows}) if rows[0].keys() else json.dumps(rows),
        "c.json": json.dumps(rows, indent=1, ensure_ascii=True),
    }
    for name, text in forms.items():
        (folder / name).write_text(text)
    # A first row that has rows of its own is taken for a file of them.
    if not any(isinstance(rows[0].get(key), list) for key in ("data", "rows", "examples")):
        assert read(folder / "a.jsonl") == rows
    assert read(folder / "c.json") == rows
    assert read(folder / "b.json") == rows


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=20)


@given(
    cells=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6),
    separator=st.sampled_from(",;\t|"),
)
def test_csv_is_read_with_each_separator(tmp_path_factory, cells, separator):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    rows = [{"instruction": first, "input": second} for first, second in cells]
    path.write_text(table(separator, rows), encoding="utf-8", newline="")
    assert read(path) == rows


@given(data=st.binary(max_size=200), name=st.sampled_from(["a.jsonl", "a.json", "a.csv", "a.tsv"]))
def test_any_bytes_are_rows_faults_or_one_line(tmp_path_factory, data, name):
    path = tmp_path_factory.mktemp("bytes") / name
    path.write_bytes(data)
    problem, rows = "", []
    try:
        rows = list(read_rows(path))
    except BadInput as error:
        problem = str(error).replace(str(path), "")
    assert "\n" not in problem
    assert not any(row.fault and row.values for row in rows)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.parquet", "a.jsonl.zst"])
def test_a_large_file_is_a_stream(tmp_path, name):
    path = tmp_path / name
    rows = [{"instruction": f"{number}" + "x" * 1000} for number in range(20_000)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    if name.endswith("parquet"):
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=1000)
    elif name.endswith("csv"):
        path.write_text(table(",", rows))
    else:
        data = lines.encode()
        path.write_bytes(compressed("zstd")(data) if name.endswith("zst") else data)
    del lines, rows
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_rows(path)) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()

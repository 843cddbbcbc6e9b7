"""Files that are small, and unpack to more than the machine has."""

import bz2
import gzip
import json
import lzma
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.errors import BadInput
from builders.files import expansion
from builders.files.expansion import TooMuch
from builders.files.parquet import open_parquet
from builders.files.tables import read_rows

LIMIT = 2**20


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(expansion, "SMALL_BYTES", LIMIT)


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("rows.jsonl.gz", gzip.compress),
        ("rows.jsonl.bz2", bz2.compress),
        ("rows.jsonl.xz", lzma.compress),
        ("rows.jsonl.zst", lambda text: pa.compress(text, codec="zstd", asbytes=True)),
    ],
)
@pytest.mark.parametrize("ends_lines", [True, False])
def test_a_text_that_unpacks_to_too_much_is_one_line(tmp_path, name, pack, ends_lines):
    row = json.dumps({"instruction": "x" * 1000}).encode()
    text = (row + b"\n") * 4000 if ends_lines else row[:-2] + b"x" * 4_000_000
    (tmp_path / name).write_bytes(pack(text))
    with pytest.raises(BadInput, match=rf"{name}.* bytes unpack to more than") as refused:
        list(read_rows(tmp_path / name))
    assert "\n" not in str(refused.value)


def test_a_text_of_usual_size_is_read(tmp_path):
    row = json.dumps({"instruction": "x" * 1000}).encode() + b"\n"
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(row * 1000))
    assert len(list(read_rows(tmp_path / "rows.jsonl.gz"))) == 1000
    # What is not packed is as large as it is.
    (tmp_path / "rows.jsonl").write_bytes(row * 2000)
    assert len(list(read_rows(tmp_path / "rows.jsonl"))) == 2000


BOMBS = {
    # One text, which each row repeats.
    "repeated": pa.table({"instruction": ["x" * 100_000] * 512}),
    "page": pa.table({"instruction": ["x" * 4_000_000]}),
    "nulls": pa.table({"instruction": pa.nulls(100_000, pa.string())}),
    "lists": pa.table({"instruction": [["x" * 10_000] * 64] * 64}),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_parquet_that_unpacks_to_too_much_is_one_line(tmp_path, kind):
    path = tmp_path / "rows.parquet"
    pq.write_table(BOMBS[kind], path, compression="zstd", use_dictionary=kind != "page")
    assert path.stat().st_size < 10_000
    with pytest.raises(BadInput, match=r"rows\.parquet.* bytes unpack to more than"):
        list(read_rows(path))
    with pytest.raises(TooMuch), open_parquet(path) as file:
        list(file.iter_batches())


def test_a_batch_is_as_small_as_its_rows_may_be_large(tmp_path):
    path = tmp_path / "rows.parquet"
    pq.write_table(BOMBS["repeated"], path, compression="zstd")
    with open_parquet(path) as file:
        first = next(file.iter_batches(512))
    assert first.nbytes <= LIMIT


def test_parquet_of_usual_size_is_read_in_whole_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(expansion, "SMALL_BYTES", 64 * LIMIT)
    path = tmp_path / "rows.parquet"
    rows = [{"instruction": f"What is {n} times {n + 1}?"} for n in range(2000)]
    pq.write_table(pa.Table.from_pylist(rows), path)
    with open_parquet(path) as file:
        assert [batch.num_rows for batch in file.iter_batches(512)] == [512, 512, 512, 464]
    assert [row.values for row in read_rows(path)] == rows


def test_many_keys_or_columns_take_no_time(tmp_path):
    """Looking for those that are there twice took the square of their number."""
    keys = "".join(f'"k{n}": 1, ' for n in range(100_000))
    (tmp_path / "rows.jsonl").write_text(f'{{{keys}"k0": 2}}\n')
    (row,) = read_rows(tmp_path / "rows.jsonl")
    assert row.fault == "the key 'k0' appears twice"
    (tmp_path / "rows.csv").write_text(",".join(f"c{n}" for n in range(100_000)) + "\n1\n")
    (row,) = islice(read_rows(tmp_path / "rows.csv"), 1)
    assert "not as many cells" in row.fault

"""A few rows of parquet files whose columns nobody knows."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.errors import BadInput
from builders.view.table import text_table

ROWS = [
    {
        "id": f"row {number}",
        "messages": [{"role": "user", "content": f"<b>{number}</b>"}],
        "scores": [1, None],
        "nothing": None,
    }
    for number in range(25)
]


def written(path, rows, **options):
    pq.write_table(pa.Table.from_pylist(rows), path, **options)
    return path


@pytest.fixture
def files(tmp_path):
    return [
        written(tmp_path / "0.parquet", ROWS[:15], row_group_size=4),
        written(tmp_path / "1.parquet", ROWS[15:]),
    ]


@pytest.mark.parametrize("first", [0, 3, 4, 10, 15, 24, 25, 10**11])
def test_rows_over_several_groups_and_files(files, first):
    found = text_table(files, first, 10)
    assert found.columns == ["id", "messages", "scores", "nothing"]
    assert found.total == 25
    assert [row[0] for row in found.rows] == [row["id"] for row in ROWS[first : first + 10]]
    for row in found.rows:
        number = row[0].removeprefix("row ")
        assert row[1:] == [f"role: user\ncontent: <b>{number}</b>", "- 1\n- ", ""]


@pytest.mark.parametrize("content", [b"", b"PAR1PAR1", b"PAR1" + b"\xff" * 3000 + b"PAR1", None])
def test_a_file_that_cannot_be_read(files, tmp_path, content):
    path = tmp_path / "2.parquet"
    path.write_bytes(files[0].read_bytes()[:-300] if content is None else content)
    with pytest.raises(BadInput, match="the rows cannot be read: ") as raised:
        text_table([*files, path], 0, 10)
    assert str(tmp_path) not in str(raised.value)


def test_a_file_that_is_gone(tmp_path):
    with pytest.raises(BadInput, match="the rows cannot be read: a file is missing"):
        text_table([tmp_path / "none.parquet"], 0, 10)


def test_a_long_text_and_many_columns(tmp_path):
    row = {f"column {number}": "long " * 5000 for number in range(50)}
    found = text_table([written(tmp_path / "0.parquet", [row])], 0, 10)
    assert len(found.columns) == 40
    assert {len(text) < 2100 for text in found.rows[0]} == {True}
    assert found.rows[0][0].endswith("… (25,000 characters)")

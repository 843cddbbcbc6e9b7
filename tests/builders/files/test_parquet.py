import random

import pyarrow as pa
import pytest

from builders.files.parquet import open_parquet, write_parquet

_TABLE = pa.table(
    {"id": [f"row-{at}" for at in range(500)], "score": [at % 10 + 1 for at in range(500)]}
)


def rows_of(path):
    with open_parquet(path) as file:
        return file.read().to_pylist()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("parquet") / "rows.parquet"
    write_parquet(path, _TABLE)
    return path


def test_a_file_has_the_rows_that_were_written(written):
    assert rows_of(written) == _TABLE.to_pylist()


@pytest.mark.parametrize("options", [{}, {"compression": "none"}, {"use_dictionary": False}])
def test_a_flipped_bit_in_a_page_is_an_error_and_never_other_rows(tmp_path, options):
    path = tmp_path / "rows.parquet"
    write_parquet(path, _TABLE, **options)
    whole = path.read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    pages = len(whole) - footer
    flips = random.Random(0).sample(range(8 * 4, 8 * pages), 300)
    found = 0
    for bit in flips:
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            assert rows_of(path) == _TABLE.to_pylist()
        except (OSError, pa.ArrowException):
            found += 1
    # What is left is in the pages' headers, in what readers do not look at.
    assert found > 0.8 * len(flips)

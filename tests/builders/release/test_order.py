"""The order of a release: by id, and in later versions as it was."""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.ledger.merged import LedgerPart, MergedLedger
from builders.release import order
from builders.release.first_pass import ranks_of
from builders.rows.schema import LEDGER
from tests.builders.release.releases import (
    SPLITS,
    all_rows,
    ids,
    parquet_bytes,
    read,
    release_of,
)
from tests.ledger_rows import kept_rows, ledger_row, ledger_rows

IDS = st.lists(st.text("abé漢", max_size=3), max_size=30)


@given(IDS, IDS)
def test_earlier_ids_come_first_in_their_order_and_new_ones_by_id(found, earlier):
    earlier = list(dict.fromkeys(earlier))
    ranks = ranks_of(
        pa.chunked_array([pa.array(found, pa.string())]), pa.array(earlier, pa.string())
    )
    new = sorted(set(found) - set(earlier), key=str.encode)
    assert [[*earlier, *new][rank] for rank in ranks] == found


def sorted_on_disk(rows, cut):
    ledger = MergedLedger(
        [
            LedgerPart(0, "run", corrections=pa.Table.from_pylist(part, LEDGER.arrow_schema))
            for part in (rows[start : start + cut] for start in range(0, len(rows), cut))
        ]
    )
    ids = pa.chunked_array([pa.array([row["id"] for row in rows], pa.string())])
    ranks = ranks_of(ids, pa.array([], pa.string()))
    with tempfile.TemporaryDirectory() as folder:
        made = order.ordered(ledger, ranks, Path(folder))
        kept = [row for table in made.tables(keep=True) for row in table.to_pylist()]
        found = [row for table in made.tables() for row in table.to_pylist()]
        assert kept == found
        assert list(Path(folder).iterdir()) == []
    numbers = [row.pop(order.NUMBER) for row in found]
    assert sorted(numbers) == list(range(len(rows)))
    assert [rows[number] for number in numbers] == found
    return found


@given(st.lists(st.integers(0, 8), min_size=1, max_size=25), st.integers(1, 9), st.randoms())
@settings(max_examples=40)
def test_sorting_on_disk_gives_one_order_whatever_came_first(numbers, cut, chance):
    # Several candidates of one id, at most one of them kept, as a ledger has them.
    rows, kept = [], set()
    for place, number in enumerate(numbers):
        fate = "duplicate" if number in kept else chance.choice([None, "margin"])
        kept |= {number} if fate is None else set()
        rows.append(ledger_row(place, reason=fate, id=f"id-{number}"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order, "_BUCKET_BYTES", 4096)
        found = sorted_on_disk(rows, cut)
        assert found == sorted_on_disk(chance.sample(rows, len(rows)), cut)
    places = [(row["id"], row["status"] != "kept") for row in found]
    assert places == sorted(places)


def test_an_empty_ledger_has_no_rows_to_sort(tmp_path):
    made = order.ordered(MergedLedger([]), np.array([], np.int32), tmp_path)
    assert list(made.tables()) == []


def test_the_order_of_the_runs_and_of_their_rows_does_not_matter(tmp_path):
    first, second = list(ledger_rows(60)), list(ledger_rows(60, first=100))
    one = release_of(tmp_path / "one", first, second)
    other = release_of(tmp_path / "other", second[::-1], first[::-1])
    assert parquet_bytes(one) == parquet_bytes(other)
    for split in SPLITS:
        assert ids(one, "ledger", split) == sorted(ids(one, "ledger", split))


def test_a_later_version_keeps_every_place_and_puts_new_rows_behind(tmp_path):
    first = release_of(tmp_path, list(ledger_rows(120, first=1000)))
    second = release_of(tmp_path, list(ledger_rows(150, first=980)), version="1.1.0")
    third = release_of(tmp_path, list(ledger_rows(150, first=990))[::-1], version="1.2.0")
    for older, newer in ((first, second), (second, third)):
        for config in ("ledger", "feedback", "sft"):
            for split in SPLITS:
                before, after = (list(dict.fromkeys(ids(r, config, split))) for r in (older, newer))
                stayed = [row_id for row_id in before if row_id in after]
                assert after[: len(stayed)] == stayed
                assert after[len(stayed) :] == sorted(after[len(stayed) :])
    assert len(ids(second)) > len(ids(first))


def test_most_of_a_file_stays_as_it_was_when_rows_are_added(tmp_path):
    rows = list(kept_rows(2000))
    first = release_of(tmp_path, rows[::2] + rows[1::2][:900])
    second = release_of(tmp_path, rows, version="1.1.0")
    old, new = (next((r / "ledger").glob("train-*")).read_bytes() for r in (first, second))
    size = len(old) // 2
    assert new[:size] == old[:size]


def test_the_same_runs_and_parent_give_the_same_bytes(tmp_path):
    made = []
    for place in ("one", "other"):
        release_of(tmp_path / place, list(ledger_rows(40)))
        made.append(release_of(tmp_path / place, list(ledger_rows(60)), version="1.1.0"))
    files = [
        {path.relative_to(r): path.read_bytes() for path in r.rglob("*") if path.is_file()}
        for r in made
    ]
    assert files[0] == files[1]


def test_every_column_of_a_row_comes_through(tmp_path):
    rows = list(ledger_rows(80))
    release = release_of(tmp_path, rows)
    assert sorted(all_rows(release), key=lambda row: row["id"]) == sorted(
        rows, key=lambda row: row["id"]
    )
    assert read(release, "ledger", "train")[0]["calls"] is not None

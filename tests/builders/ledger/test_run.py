import errno

import pytest

from builders.errors import BadInput
from builders.files.atomic import atomic_file
from builders.files.hashes import sha256_of_files
from builders.ledger.run import Run, open_complete_run, open_run
from builders.rows import InvalidRow
from tests.ledger_rows import ledger_row, make_run


def test_parts_are_read_in_the_order_they_were_written(tmp_path):
    run = Run(tmp_path)
    rows = [ledger_row(number) for number in range(7)]
    run.append(rows[:3])
    run.append(rows[3:])
    assert list(run.iter_rows()) == rows
    assert run.count_rows() == 7
    assert [part.name for part in run.parts()] == ["part-000000.parquet", "part-000001.parquet"]


def test_an_invalid_row_writes_nothing(tmp_path):
    run = Run(tmp_path)
    with pytest.raises(InvalidRow):
        run.append([ledger_row(0), {**ledger_row(1), "draft_score": 99}])
    assert run.parts() == []


def test_a_full_disk_leaves_no_part(tmp_path, monkeypatch):
    run = Run(tmp_path)
    run.append([ledger_row(0)])

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("builders.ledger.run.pq.write_table", full)
    with pytest.raises(OSError, match="No space left"):
        run.append([ledger_row(1)])
    assert run.count_rows() == 1
    assert [path.name for path in run.ledger_folder.iterdir()] == ["part-000000.parquet"]


def test_a_manifest_means_complete(tmp_path):
    run = Run(tmp_path)
    with pytest.raises(BadInput, match="not a run"):
        open_run(tmp_path)
    run.recipe_path.write_text("name: x\n")
    run.append([ledger_row(0)])
    with pytest.raises(BadInput, match="not complete"):
        open_complete_run(tmp_path)
    _, manifest = make_run(tmp_path / "another", [ledger_row(1)])
    run.write_manifest(manifest)
    _, manifest = open_complete_run(tmp_path)
    assert manifest.files == sha256_of_files(run.parts(), tmp_path)


def test_atomic_writes_leave_the_old_or_the_new(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    with atomic_file(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]

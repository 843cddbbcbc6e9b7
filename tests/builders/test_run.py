import errno

import pytest

from builders.atomic import atomic_file, atomic_folder
from builders.errors import BadInput
from builders.funnel import Funnel
from builders.run import Run, open_complete_run, open_run
from builders.schema import InvalidRow
from tests.ledger_rows import ledger_row


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

    monkeypatch.setattr("builders.run.pq.write_table", full)
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
    run.write_manifest({"name": "x"})
    _, manifest = open_complete_run(tmp_path)
    assert list(manifest["files"]) == ["ledger/part-000000.parquet"]


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
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "folder") as folder:
        (folder / "half").write_text("half")
        raise RuntimeError
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_funnel_counts_what_the_ledger_says():
    rows = [ledger_row(number) for number in range(200)]
    facts = Funnel.of(rows).as_facts()
    assert facts["rows"] == 200 == facts["kept"] + sum(facts["dropped"].values())
    kept = [row for row in rows if row["status"] == "kept"]
    assert facts["mean_draft_score"] == pytest.approx(
        sum(row["draft_score"] for row in kept) / len(kept)
    )
    assert sum(facts["refinement_scores"].values()) == len(kept)
    assert facts["calls"] == sum(len(row["calls"]) for row in rows)
    unpriced = [{**call, "tokens_out": None} for call in rows[0]["calls"]]
    assert Funnel.of([{**rows[0], "calls": unpriced}]).calls == 0


def test_an_empty_funnel_has_no_means():
    facts = Funnel().as_facts()
    assert facts["mean_draft_score"] is None
    assert facts["cost"] is None

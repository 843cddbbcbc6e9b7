"""The rows of the run or release under review."""

import json

import pytest

from builders.errors import BadInput
from builders.ledger.run import Run
from builders.review.record import records
from builders.review.sampling import Design, draw
from builders.review.source import REVIEWABLE, SHOWN, open_source
from tests.builders.release.releases import release_of
from tests.ledger_rows import kept_rows, ledger_row, ledger_rows, make_run


@pytest.mark.parametrize("stage", [1, 2])
def test_a_run_and_its_release_have_the_same_rows(tmp_path, stage):
    rows = (
        list(ledger_rows(150)) if stage == 1 else [*kept_rows(30), ledger_row(31, reason="margin")]
    )
    release = release_of(tmp_path, rows, facts={"stage": stage})
    of_run, of_release = open_source(tmp_path / "run-0"), open_source(release)
    assert (of_run.kind, of_run.stage, of_run.version) == ("run", stage, None)
    assert (of_release.kind, of_release.name, of_release.version) == ("release", "tiny", "1.0.0")
    expected = {
        "kept": {row["id"] for row in rows if row["status"] == "kept"},
        "scored": {row["id"] for row in rows if row["reason"] in (None, "margin")},
    }
    assert len(expected["scored"]) > len(expected["kept"])
    for population, ids in expected.items():
        for columns in (REVIEWABLE, SHOWN):
            one, two = (
                sorted(source.rows(population, columns), key=lambda row: row["id"])
                for source in (of_run, of_release)
            )
            assert one == two
            assert all(tuple(row) == tuple(columns) for row in one)
            assert {row["id"] for row in one} == ids


def test_a_row_of_a_release_is_the_one_its_id_means(tmp_path):
    """Of an id that one run dropped for its margin and another kept, the kept row is scored."""
    low = [ledger_row(number, reason="margin") for number in range(6)]
    again = [
        {**ledger_row(0, reason=None), "draft": "Another draft."},
        {**ledger_row(1, reason="margin"), "draft": "Another draft."},
        ledger_row(2, reason="duplicate"),
    ]
    release = release_of(tmp_path, low, [*again, ledger_row(9, reason=None)])
    scored = list(open_source(release).rows("scored"))
    rows = {row["id"]: row for row in scored}
    assert len(rows) == len(scored)
    assert rows[low[0]["id"]]["draft"] == "Another draft."
    # Of the second, either stands for the id, once.
    assert rows.keys() == {row["id"] for row in (*low, ledger_row(9, reason=None))}


def test_without_a_ledger_only_kept_rows_are_there(tmp_path):
    release = release_of(tmp_path, list(ledger_rows(60)))
    manifest = json.loads((release / "manifest.json").read_text())
    del manifest["configs"]["ledger"]
    (release / "manifest.json").write_text(json.dumps(manifest))
    source = open_source(release)
    assert (source.has("kept"), source.has("scored")) == (True, False)
    assert list(source.rows("kept"))


def test_an_unfinished_run_and_no_run_say_so(tmp_path):
    run, manifest = make_run(tmp_path / "run", list(kept_rows(3)))
    run.manifest_path.unlink()
    with pytest.raises(BadInput, match="the run is not complete"):
        open_source(run.folder)
    with pytest.raises(BadInput, match="not a run"):
        open_source(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(BadInput, match="not a release's manifest"):
        open_source(tmp_path)
    for part in run.parts():
        part.write_bytes(b"PAR1")
    run.write_manifest(manifest)
    with pytest.raises(BadInput, match=r"part-000000.parquet: not parquet"):
        list(open_source(run.folder).rows("scored"))


def test_records_are_of_the_rows_drawn(tmp_path):
    run, _ = make_run(tmp_path / "run", ledger_rows(120))
    source = open_source(run.folder)
    design = Design("mine", source.digest, "scored", "stratified", 0, 60, calibration=5)
    drawn = draw(lambda: source.rows("scored"), design)
    shown = list(records(source.rows("scored", SHOWN), drawn, assisted=False))
    assert {record["id"] for record in shown} == {row["record"] for row in drawn}
    rows = {row["id"]: row for row in Run(run.folder).iter_rows()}
    chosen = {row["record"]: row for row in drawn}
    for record in shown:
        of = chosen[record["id"]]
        row = rows[of["id"]]
        assert row["reason"] in (None, "margin")
        texts = [record["fields"]["answer_a"], record["fields"]["answer_b"]]
        if of["order"] == "refinement_first":
            texts.reverse()
        assert texts == [row["draft"], row["refinement"]]
        assert "example/" not in str(record)

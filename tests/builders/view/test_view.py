"""Rows of runs and releases: filtered as plain Python would, and whatever the files are like."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.errors import BadInput
from builders.ledger.run import Run
from builders.release.make import release_runs
from builders.rows.older import stored_schema
from builders.rows.schema import LEDGER_ROWS
from builders.view.filters import read_filters
from builders.view.opening import open_source
from builders.view.view import Superseded, View, Waiting
from tests.ledger_rows import ledger_row, ledger_rows, make_run
from tests.review_folders import make_review
from tests.verdict_rows import verdict_row

ROWS = 200


@pytest.fixture(scope="module")
def rows():
    found = list(ledger_rows(ROWS))
    found[5] = ledger_row(5, reason=None, instruction="Разложи İstanbul на 'слоги' -- ?")
    found[6] = ledger_row(
        6, reason=None, refinement="100% of it_ and a\\b <b>", draft="x" * 100_000
    )
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory, rows):
    return make_run(tmp_path_factory.mktemp("runs") / "test", rows)[0].folder


@pytest.fixture(scope="module")
def view(run):
    return View(open_source(run))


def chosen(view, **query):
    return ids(view, list(query.items()))


def ids(view, query=(), limit=500):
    return [row["id"] for row in view.listed(read_filters(query), 0, limit)["rows"]]


def ids_where(rows, condition):
    return [row["id"] for row in rows if condition(row)]


def test_all_rows_in_their_order(view, rows):
    assert ids(view) == [row["id"] for row in rows]
    summary = view.summary(read_filters([]))
    assert (summary["rows"], summary["chosen"], summary["skipped"]) == (ROWS, ROWS, [])
    assert summary["complete"]
    assert json.dumps(summary)


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ({"status": "dropped"}, lambda row: row["status"] == "dropped"),
        ({"reason": "margin"}, lambda row: row["reason"] == "margin"),
        ({"reason": "-"}, lambda row: row["reason"] is None),
        ({"draft_score": "3..4"}, lambda row: row["draft_score"] in (3, 4)),
        ({"margin": "..-1"}, lambda row: row["reason"] == "margin"),
        ({"source": "seed-tasks"}, lambda row: row["source"] == "seed-tasks"),
        ({"model": "example/small-draft-135m"}, lambda row: bool(row["calls"])),
        ({"script": "Cyrillic"}, lambda row: "слоги" in row["instruction"]),
        ({"draft_length": "100000.."}, lambda row: len(row["draft"] or "") >= 100_000),
        ({"reached": "critiqued"}, lambda row: row["critique"] is not None),
        ({"q": "TIDES"}, lambda row: "tides" in json.dumps(row).lower()),
        ({"q": "'слоги' -- ?"}, lambda row: "слоги" in row["instruction"]),
        ({"q": "100% of it_ and a\\b <b>"}, lambda row: "100% of" in (row["refinement"] or "")),
        ({"q": "%"}, lambda row: "%" in (row["refinement"] or "")),
    ],
    ids=lambda value: "-".join(f"{k}={v}" for k, v in value.items()) if type(value) is dict else "",
)
def test_a_filter_leaves_what_python_leaves(view, rows, query, condition):
    expected = ids_where(rows, condition)
    assert expected
    assert chosen(view, **query) == expected


def test_filters_together_sorted_and_counted(view, rows):
    query = [("status", "kept"), ("draft_score", "..5"), ("q", "the"), ("sort", "-margin")]
    left = [
        row
        for row in rows
        if row["status"] == "kept" and row["draft_score"] <= 5 and "the" in json.dumps(row).lower()
    ]
    left.sort(key=lambda row: row["draft_score"] - row["refinement_score"])
    assert ids(view, query) == [row["id"] for row in left]
    counts = view.summary(read_filters(query))["counts"]
    assert sum(rows for *_, rows in counts["fates"]) == len(left)
    assert {tuple(scores): rows for *scores, rows in counts["scores"]} == {
        pair: sum((row["draft_score"], row["refinement_score"]) == pair for row in left)
        for pair in {(row["draft_score"], row["refinement_score"]) for row in left}
    }


def test_rows_without_what_is_sorted_by_come_last(view, rows):
    for sort in ("draft_score", "-draft_score"):
        last = ids(view, [("sort", sort)])[-1]
        assert next(row for row in rows if row["id"] == last)["draft_score"] is None


def test_ten_rows_of_a_reason(view, rows):
    query = [("reason", "margin"), ("sample", "10")]
    drawn = ids(view, query)
    margin = ids_where(rows, lambda row: row["reason"] == "margin")
    assert len(drawn) == len(set(drawn)) == 10 < len(margin)
    assert set(drawn) <= set(margin)
    assert ids(view, query) == drawn
    assert view.summary(read_filters(query))["chosen"] == 10


def test_a_row_has_everything(view, rows):
    shown = view.row(6)
    assert {key: shown["row"][key] for key in rows[6]} == rows[6]
    assert shown["facts"]["draft_length"] == 100_000
    assert shown["facts"]["tokens"] == sum(
        call["tokens_in"] + call["tokens_out"] for call in rows[6]["calls"]
    )
    assert view.row(ROWS) is None


def test_places(view, rows):
    everything, kept = read_filters([]), read_filters([("status", "kept")])
    assert view.place(everything, rows[9]["id"]) == 9
    assert view.place(everything, "no such id") is None
    dropped = [place for place, row in enumerate(rows) if row["status"] == "dropped"]
    assert view.next_dropped(everything, -1) == dropped[0]
    assert view.next_dropped(everything, dropped[3]) == dropped[4]
    assert view.next_dropped(everything, dropped[-1]) is None
    assert view.next_dropped(kept, -1) is None


def test_nobody_waits_any_more(view):
    waiting = Waiting()
    waiting.cancel()
    with pytest.raises(Superseded):
        view.summary(read_filters([("q", "never asked before")]), waiting)


def copied(run, tmp_path):
    return Run(shutil.copytree(run, tmp_path / "run"))


def test_a_run_that_grows(tmp_path, rows):
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    run.recipe_path.write_text("name: test\n")
    view = View(open_source(run.folder))
    first = view.summary(read_filters([]))
    assert (first["rows"], first["complete"]) == (0, False)
    assert ids(view) == []
    run.append(rows[:30])
    view.summary(read_filters([]))
    assert ids(view) == [row["id"] for row in rows[:30]]
    run.append(rows[30:50])
    second = view.summary(read_filters([("reason", "margin")]))
    assert second["rows"] == 50
    assert second["version"] > first["version"]
    assert ids(view) == [row["id"] for row in rows[:50]]
    # A row that failed is tried again, and replaces itself.
    part = run.parts()[0]
    run.replace(part, {rows[3]["id"]: {**rows[3], "instruction": "Another one altogether."}})
    view.summary(read_filters([]))
    assert chosen(view, q="another one altogether") == [rows[3]["id"]]
    assert len(ids(view)) == 50


def test_parts_that_are_not_whole_are_left_out_and_named(run, tmp_path, rows):
    copy = copied(run, tmp_path)
    whole = copy.parts()[0]
    half = whole.with_name("part-000001.parquet")
    half.write_bytes(whole.read_bytes()[:2000])
    other = whole.with_name("part-000002.parquet")
    pq.write_table(pa.table({"id": ["a"]}), other)
    view = View(open_source(copy.folder))
    assert ids(view) == [row["id"] for row in rows]
    skipped = {each["file"]: each["reason"] for each in view.summary(read_filters([]))["skipped"]}
    assert skipped.keys() == {half.name, other.name}
    assert "not whole, or damaged" in skipped[half.name]
    assert "another schema version" in skipped[other.name]
    # The part that was being written is whole now.
    half.unlink()
    copy.append(list(ledger_rows(10, first=ROWS)))
    assert view.summary(read_filters([]))["rows"] == ROWS + 10


def test_a_part_that_is_damaged_within(run, tmp_path, rows):
    copy = copied(run, tmp_path)
    copy.manifest_path.unlink()
    more = copy.append(list(ledger_rows(50, first=ROWS)))
    data = bytearray(more.read_bytes())
    # The pages of the first column; the footer stays.
    data[10:400] = bytes(390)
    more.write_bytes(data)
    view = View(open_source(copy.folder))
    assert ids(view) == [row["id"] for row in rows]
    (skipped,) = view.summary(read_filters([]))["skipped"]
    assert skipped == {"file": more.name, "reason": "damaged within"}


def test_a_run_of_which_nothing_can_be_read(run, tmp_path):
    copy = copied(run, tmp_path)
    for part in copy.parts():
        part.write_bytes(b"PAR1")
    with pytest.raises(BadInput, match=r"part-000000\.parquet: not whole, or damaged"):
        View(open_source(copy.folder))


@pytest.mark.parametrize("name", ["", "nothing", "file"])
def test_a_folder_that_is_nothing(tmp_path, name):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match=r"not a run, a release|no such folder"):
        open_source(tmp_path / name)


def test_files_of_two_schema_versions(run, tmp_path, rows):
    """A run that was begun before 2.1 has parts without what came with it."""
    copy = copied(run, tmp_path)
    part = copy.parts()[0]
    begun = pq.read_table(part).to_pylist()
    pq.write_table(pa.Table.from_pylist(begun, stored_schema(LEDGER_ROWS, "2.0")), part)
    more = list(ledger_rows(20, first=ROWS))
    copy.append(more)
    view = View(open_source(copy.folder))
    assert ids(view) == [row["id"] for row in [*rows, *more]]
    assert view.row(5)["row"]["control_scores"] == []
    assert view.row(ROWS + 3)["row"]["id"] == more[3]["id"]
    assert chosen(view, q="слоги") == [rows[5]["id"]]


@pytest.fixture(scope="module")
def releases(tmp_path_factory, rows):
    """Two versions: in the second, a row is new, one is gone, and one has another refinement."""
    folder = tmp_path_factory.mktemp("releases")
    kept = [row for row in rows if row["status"] == "kept"]
    changed = {**kept[0], "refinement": "Something else."}
    first, second = rows, [changed if row is kept[0] else row for row in rows if row is not kept[1]]
    second = [*second, ledger_row(ROWS, reason=None)]
    made = []
    for number, these in enumerate((first, second)):
        run = make_run(folder / f"run-{number}", these)
        version = f"1.{number}.0"
        made.append(release_runs([run], name="feedback", version=version, out=folder))
    return made, kept[0]["id"], kept[1]["id"], ledger_row(ROWS, reason=None)["id"]


def test_a_release(releases, rows):
    (first, _), *_ = releases
    view = View(open_source(first))
    summary = view.summary(read_filters([]))
    assert summary["title"] == "feedback v1.0.0"
    assert sorted(ids(view)) == sorted(row["id"] for row in rows)
    assert {value for value, _ in summary["options"]["split"]} == {"train", "test"}
    assert 0 < len(chosen(view, split="test")) < len(chosen(view, split="train"))


def test_what_changed_between_two_versions(releases):
    (first, second), changed, gone, new = releases
    view = View(open_source(second), open_source(first))
    assert chosen(view, change="texts") == [changed]
    assert chosen(view, change="only here") == [new]
    assert chosen(view, change="only beside") == [gone]
    place = view.place(read_filters([]), changed)
    number = view.listed(read_filters([]), place, 1)["rows"][0]["n"]
    shown = view.row(number)
    assert shown["row"]["refinement"] == "Something else."
    assert shown["other"]["row"]["refinement"] != "Something else."
    assert shown["other"]["of"] == "feedback v1.0.0"
    only = view.listed(read_filters([("change", "only beside")]), 0, 1)["rows"][0]
    assert view.row(only["n"])["row"]["id"] == gone
    words = view.row(only["n"])["row"]["instruction"]
    assert gone in chosen(view, q=words)


def test_a_review(run, rows, tmp_path):
    kept = [row for row in rows if row["status"] == "kept"][:3]
    said = [("refinement", "refinement"), ("draft", "tie"), (None, None)]
    verdicts = [
        verdict_row(
            10 * number + place,
            id=row["id"],
            record=f"r{number}",
            annotator=f"a{place}",
            better=better,
        )
        for number, (row, answers) in enumerate(zip(kept, said, strict=True))
        for place, better in enumerate(answers)
    ]
    folder = make_review(tmp_path / "reviews/test", run, verdicts).folder
    view = View(open_source(folder))
    assert ids(view) == [row["id"] for row in kept]
    assert chosen(view, verdict="refinement") == [kept[0]["id"]]
    assert chosen(view, verdict="no majority") == [kept[1]["id"]]
    assert chosen(view, verdict="-") == [kept[2]["id"]]
    shown = view.row(view.listed(read_filters([]), 0, 1)["rows"][0]["n"])
    assert [verdict["better"] for verdict in shown["verdicts"]] == ["refinement", "refinement"]
    assert "2 annotators" in view.summary(read_filters([]))["facts"]


def test_a_large_source_is_complete_later(monkeypatch, run, rows):
    monkeypatch.setattr("builders.view.view._AT_ONCE", 10)
    view = View(open_source(run))
    assert not view.is_whole
    assert len(chosen(view, reason="margin")) == len(
        ids_where(rows, lambda row: row["reason"] == "margin")
    )
    view.complete()
    assert view.is_whole
    assert chosen(view, draft_length="100000..") == [rows[6]["id"]]


def test_the_index_has_a_column_for_each_that_is_listed(view):
    assert set(LEDGER_ROWS.schema.names) == set(view.row(0)["row"])

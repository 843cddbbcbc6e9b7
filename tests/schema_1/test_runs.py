"""Runs of schema 1.1: continued, built upon, released."""

import json
from collections import Counter

import pytest

from tests.schema_1.rows import RENAMED, as_before, ledger, released, same_rows

SPLITS = ("train", "test")


def test_a_killed_run_is_continued_by_its_command(srt, work):
    parts = {path.name: path.read_bytes() for path in (work / "runs/facts/ledger").iterdir()}
    before = ledger(work / "runs/facts")
    assert len(before) == 12
    said = json.loads(srt("build", "stage1", "recipes/facts.yaml", "--json").out)
    assert (said["complete"], said["rows"], said["kept"]) == (True, 20, 19)
    rows = ledger(work / "runs/facts")
    same_rows(rows[:12], before)
    assert len(rows) == 20
    assert Counter(row["reason"] for row in rows) == {None: 19, "draft_missing": 1}
    for name, content in parts.items():
        assert (work / "runs/facts/ledger" / name).read_bytes() == content
    # What is new is as it would have been then.
    assert all(as_before(row, before[0]) for row in rows[12:])
    # Its ledger has parts of two schemas now.
    srt("release", "runs/facts", "--name", "facts", "--version", "1.0.0")
    srt("check", "releases/facts@v1.0.0")
    kept = {row["id"] for row in rows if row["status"] == "kept"}
    folder = work / "releases/facts@v1.0.0"
    assert {row["id"] for split in SPLITS for row in released(folder, "feedback", split)} == kept


def test_a_finished_run_is_left_alone_by_its_command(srt, work):
    before = {path: path.read_bytes() for path in (work / "runs/questions/ledger").iterdir()}
    files = json.loads((work / "runs/questions/manifest.json").read_text())["files"]
    srt("build", "stage1", "recipes/questions.yaml")
    assert {path: path.read_bytes() for path in before} == before
    assert json.loads((work / "runs/questions/manifest.json").read_text())["files"] == files


def test_a_recipe_of_then_makes_the_rows_of_then(srt, work):
    srt("build", "stage1", "recipes/questions.yaml", "--out", "runs/again")
    columns = ("id", "source", "licence", "system", "instruction", "draft", "critic_reply")
    columns += ("critique", "refinement", "draft_score", "refinement_score", "status", "reason")
    # The problems of the other source may be worded in another way since.
    before = [
        {name: row[name] for name in columns}
        for row in ledger(work / "runs/questions")
        if row["source"] == "kitchen-and-garden"
    ]
    rows = [row for row in ledger(work / "runs/again") if row["source"] == "kitchen-and-garden"]
    # Conversations of several turns were dropped then.
    (talk,) = (at for at, row in enumerate(before) if row["reason"] == "multi_turn")
    assert rows[talk]["history"][0] == {"role": "user", "content": before[talk]["instruction"]}
    for both in (rows, before):
        del both[talk]
    same_rows(rows, before)


def test_another_run_is_refused_in_its_folder(refused):
    line = refused("build", "stage1", "recipes/questions.yaml", "seed=8", "--out", "runs/questions")
    assert "(it differs in seed)" in line
    line = refused("build", "stage1", "recipes/questions.yaml", "--out", "runs/facts")
    assert "holds a run of another recipe" in line


def test_status_says_what_was_kept(srt):
    assert "20  kept" in srt("status", "runs/questions").out
    assert "12  instructions drawn" in srt("status", "runs/facts").out


@pytest.mark.parametrize("earlier", ["runs/questions", "releases/questions@v1.0.0"])
def test_stage_2_leaves_out_what_an_earlier_run_or_release_holds(srt, work, earlier):
    words = ("recipes/pairs.yaml", f"disjoint_from=[{earlier}]", "--out", "runs/again")
    srt("build", "stage2", *words)
    found = {row["instruction"]: row["reason"] for row in ledger(work / "runs/again")}
    assert len(found) == 11
    assert [text for text, reason in found.items() if reason == "trained_on"] == [
        "How long do I boil an egg?"
    ]


def test_refinements_of_a_run_are_refined_further(srt, work):
    refinements = 'instructions={"refinements": "runs/questions"}'
    given = 'drafts={"kind": "file", "model": "large-critic"}'
    words = ("recipes/questions.yaml", refinements, given, "filters.min_margin=0")
    srt("build", "stage1", *words, "--out", "runs/further")
    before = {row["id"]: row for row in ledger(work / "runs/questions") if row["status"] == "kept"}
    rows = ledger(work / "runs/further")
    assert {row["id"]: row["draft"] for row in rows} == {
        row_id: row["refinement"] for row_id, row in before.items()
    }
    for row in rows:
        whole = before[row["id"]]
        same = {name: whole[name] for name in ("source", "licence", "system", "task")}
        assert as_before(row, same) == same


@pytest.mark.parametrize(
    ("name", "options"),
    [("questions", ["--evaluation", "evaluation.txt"]), ("pairs", [])],
)
def test_a_release_made_today_has_the_rows_of_the_one_made_then(srt, work, name, options):
    words = (f"runs/{name}", "--name", name, "--version", "1.0.0", "--out", "new", *options)
    srt("release", *words)
    then, today = work / f"releases/{name}@v1.0.0", work / f"new/{name}@v1.0.0"
    before, after = (json.loads((one / "manifest.json").read_text()) for one in (then, today))
    assert before["configs"].keys() <= after["configs"].keys()
    for config, splits in before["configs"].items():
        for split, facts in splits.items():
            rows = released(then, config, split)
            assert len(rows) == facts["rows"]
            same_rows(released(today, config, split), rows)
    assert after["funnel"] == before["funnel"]
    results = [
        {one["name"]: one["status"] for one in manifest["gate"]["checks"]}
        for manifest in (before, after)
    ]
    # A check that there was not yet.
    assert results[1].pop("foreign-text") == "pass"
    assert results[1] == {RENAMED.get(check, check): status for check, status in results[0].items()}
    assert after["gate"]["redacted"] == before["gate"]["redacted"]
    srt("check", today)

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from builders.errors import BadInput, RunFailed
from builders.ledger.funnel import Funnel
from builders.ledger.run import Run
from pipelines.generate.build import Unobserved, build_run
from pipelines.recipe.file import parse_recipe

SCRIPTED = {
    "name": "scripted",
    "instructions": [{"builtin": "stage1"}],
    "drafts": {"kind": "scripted", "script": "tests.scripts:draft", "temperature": 0.7},
    "critic": {"kind": "scripted", "script": "tests.scripts:critic"},
    "batch_size": 16,
}


def recipe(**changes):
    return parse_recipe({**SCRIPTED, **changes}, "test")


def scripted(function, **settings):
    return {"kind": "scripted", "script": f"tests.scripts:{function}", **settings}


def without_times(rows):
    """Rows as they are but for how long their calls took."""
    return [{**row, "calls": [{**call, "latency": None} for call in row["calls"]]} for row in rows]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return build_run(recipe(), tmp_path_factory.mktemp("stage1") / "run")


@pytest.mark.parametrize("change", ["removed", "renamed", "replaced"])
def test_a_folder_that_vanishes_ends_the_build(tmp_path, change):
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"

    class Vanishing(Unobserved):
        def written(self, done):
            if not elsewhere.exists():
                folder.rename(elsewhere)
                if change == "replaced":
                    folder.mkdir()
                elif change == "removed":
                    shutil.rmtree(elsewhere)
                    elsewhere.mkdir()

    with pytest.raises(RunFailed, match="removed or renamed while the run was built"):
        build_run(recipe(), folder, Vanishing())
    assert not list(folder.rglob("*"))
    if change != "removed":
        assert Run(elsewhere).count_rows() == 16


def test_every_candidate_is_in_the_ledger_with_its_fate(run):
    rows = list(run.iter_rows())
    assert len(rows) == 180
    assert len({row["id"] for row in rows}) == 180
    funnel = Funnel.of(rows)
    assert funnel.kept > 60
    assert len(funnel.dropped) > 5
    assert run.read_manifest().funnel.model_dump() == funnel.as_facts()


def test_a_kept_row_has_all_four_calls_and_their_provenance(run):
    row = next(row for row in run.iter_rows() if row["status"] == "kept")
    calls = {call["step"]: call for call in row["calls"]}
    assert list(calls) == ["draft", "critique", "score_draft", "score_refinement"]
    assert calls["draft"]["temperature"] == 0.7
    assert calls["critique"]["template"] != calls["score_draft"]["template"]
    assert len({call["seed"] for call in calls.values()}) == 4
    assert row["critique"]["weaknesses"]
    assert row["refinement_score"] >= row["draft_score"]


def test_a_row_lost_early_is_not_paid_for_later(run):
    for row in run.iter_rows():
        steps = [call["step"] for call in row["calls"]]
        if row["critique"] is None:
            assert steps == ["draft", "critique"]
            assert row["critic_reply"] is not None


def test_the_same_recipe_twice_gives_the_same_ledger(run, tmp_path):
    again = build_run(recipe(), tmp_path / "again")
    assert without_times(again.iter_rows()) == without_times(run.iter_rows())


def test_another_seed_gives_other_drafts(run, tmp_path):
    other = build_run(recipe(seed=5), tmp_path / "other")
    drafts = [[row["draft"] for row in one.iter_rows()] for one in (run, other)]
    assert drafts[0] != drafts[1]


def test_a_run_that_was_stopped_continues_to_the_same_ledger(run, tmp_path):
    stop = threading.Event()

    class StopAfterSome(Unobserved):
        def written(self, done):
            if done.rows >= 48:
                stop.set()

    with pytest.raises(RunFailed, match="of 180 rows; the same command continues"):
        build_run(recipe(), tmp_path / "run", StopAfterSome(), stop=stop)
    part = Run(tmp_path / "run")
    assert 48 <= part.count_rows() < 180
    assert part.read_manifest() is None
    whole = build_run(recipe(), tmp_path / "run")
    assert without_times(whole.iter_rows()) == without_times(run.iter_rows())


def test_kill_9_loses_no_part_and_the_rerun_completes(run, tmp_path):
    changes = {"drafts": scripted("killed_after_forty", temperature=0.7)}
    code = (
        "from pathlib import Path; from tests.pipelines.generate.test_build import *;"
        f"build_run(recipe(**{changes!r}), Path({str(tmp_path / 'run')!r}))"
    )
    root = Path(__file__).parents[3]
    killed = subprocess.run([sys.executable, "-c", code], cwd=root, check=False)
    assert killed.returncode == -9
    before = Run(tmp_path / "run").count_rows()
    assert before < 180
    # The script's name is part of a recipe's identity, so the run is continued under its name.
    import tests.scripts

    tests.scripts.killed_after_forty = tests.scripts.draft
    whole = build_run(recipe(**changes), tmp_path / "run")
    assert without_times(whole.iter_rows()) == without_times(run.iter_rows())


def test_a_complete_run_is_left_alone(run):
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}
    assert build_run(recipe(), run.folder) == run
    assert {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}.keys() == before.keys()
    assert all(path.stat().st_mtime_ns == at for path, at in before.items() if path.is_file())


def test_a_folder_of_another_recipe_or_of_something_else_is_refused(run, tmp_path):
    with pytest.raises(BadInput, match=r"another recipe \(it differs in seed\)"):
        build_run(recipe(seed=9), run.folder)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match="exists and is not a run"):
        build_run(recipe(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_in_which_a_run_was_killed_before_its_recipe_is_taken(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for left in (".lock", ".lock.pid", ".recipe.yaml.a1b2c3d4"):
        (folder / left).touch()
    assert build_run(recipe(), folder).read_manifest() is not None
    assert not (folder / ".recipe.yaml.a1b2c3d4").exists()


def test_a_second_process_is_refused_with_the_firsts_pid(tmp_path):
    folder = tmp_path / "run"
    seen = []

    class Meanwhile(Unobserved):
        def begin(self, done, total):
            with pytest.raises(BadInput) as error:
                build_run(recipe(), folder)
            seen.append(str(error.value))

    build_run(recipe(), folder, Meanwhile())
    assert f"pid {os.getpid()}" in seen[0]


def test_a_refused_key_ends_the_run_and_leaves_no_folder(tmp_path):
    with pytest.raises(BadInput, match="refused the key"):
        build_run(recipe(critic=scripted("refused")), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_model_that_answers_nothing_drops_rows_with_a_reason(tmp_path):
    run = build_run(recipe(drafts=scripted("empty")), tmp_path / "run")
    assert run.read_manifest().funnel.dropped == {"draft_empty": 180}


def test_calls_that_fail_now_and_then_drop_their_rows(tmp_path):
    run = build_run(recipe(drafts=scripted("sometimes_failing")), tmp_path / "run")
    failed = [row for row in run.iter_rows() if row["reason"] == "call_failed"]
    assert 10 < len(failed) < 90
    assert {row["detail"] for row in failed} == {"HTTP 500 five times"}
    assert {row["calls"][0]["attempts"] for row in failed} == {5}


def test_an_outage_stops_the_run_instead_of_dropping_its_rows(tmp_path):
    with pytest.raises(RunFailed, match=r"16 of 16 rows .*HTTP 500.* tries them again"):
        build_run(recipe(drafts=scripted("failing")), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_drafts_from_a_file_are_taken_as_they_are(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_text(
        json.dumps({"q": "Why is the sky blue?", "a": "Because of the sea."})
        + "\n"
        + json.dumps({"q": "What is rust?", "a": ""})
    )
    run = build_run(
        recipe(
            instructions=[
                {
                    "path": str(path),
                    "name": "answers",
                    "license": "mit",
                    "columns": {"instruction": "q", "draft": "a"},
                }
            ],
            drafts={"kind": "file", "model": "tulu2-7b"},
            critic=scripted("good_critic"),
        ),
        tmp_path / "run",
    )
    kept, dropped = run.iter_rows()
    assert kept["draft"] == "Because of the sea."
    assert (kept["calls"][0]["model"], kept["calls"][0]["endpoint"]) == ("tulu2-7b", "file")
    assert dropped["reason"] == "draft_missing"


def test_the_verifiable_teacher_reviews_real_mistakes(tmp_path):
    run = build_run(
        recipe(instructions=[{"verifiable": 60}], critic={"kind": "verifiable"}),
        tmp_path / "run",
    )
    kept = [row for row in run.iter_rows() if row["status"] == "kept"]
    assert len(kept) > 40
    for row in kept:
        assert row["refinement_score"] == 10 > row["draft_score"]
        assert [call["model"] for call in row["calls"][1:]] == ["verifiable"] * 3
        assert row["critic_reply"] is None


def test_the_verifiable_teacher_wants_verifiable_instructions(tmp_path):
    with pytest.raises(BadInput, match="can only check problems of the verifiable source"):
        build_run(recipe(critic={"kind": "verifiable"}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_prices_become_costs(tmp_path):
    drafts = scripted("draft", price={"input": 1.0, "output": 2.0})
    run = build_run(recipe(drafts=drafts), tmp_path / "run")
    row = next(run.iter_rows())
    assert row["calls"][0]["cost"] == 0.0  # the script counts no tokens
    assert row["calls"][1]["cost"] is None


def test_a_broken_review_is_asked_for_again_with_the_reason(tmp_path):
    changes = {"critic": scripted("mending_critic"), "max_repairs": 2}
    run = build_run(recipe(**changes), tmp_path / "run")
    critiques_seen = []
    for row in run.iter_rows():
        critiques = sum(call["step"] == "critique" for call in row["calls"])
        critiques_seen.append(critiques)
        if critiques == 2:
            assert row["critique"]["score"] is not None
        else:
            assert (critiques, row["reason"]) == (3, "suggestions_missing")
    assert set(critiques_seen) == {2, 3}


def test_without_repairs_a_broken_review_is_final(tmp_path):
    run = build_run(recipe(critic=scripted("mending_critic")), tmp_path / "run")
    assert run.read_manifest().funnel.dropped == {"score_unbracketed": 180}

"""Several drafts of each instruction: which is kept, and that nothing else changes."""

import subprocess
import sys
import threading
from itertools import groupby
from pathlib import Path

import pytest

from builders.errors import BadInput, RunFailed
from builders.gate.gate import ReleaseGate
from builders.ledger.funnel import Funnel, run_facts
from builders.ledger.run import Run
from builders.release.make import release_runs
from builders.review.source import open_source
from builders.rows.ids import instruction_id
from builders.rows.read import read_rows
from builders.rows.schema import LEDGER_ROWS
from builders.rows.scorers import margin_of
from builders.settings import GateSettings
from pipelines.cli.console import print_funnel
from pipelines.generate.build import Unobserved, build_run
from pipelines.generate.estimate import estimate
from pipelines.generate.instructions import make_sources
from pipelines.generate.rounds import build_rounds
from pipelines.llms.store import CompletionStore
from pipelines.recipe.file import parse_recipe
from tests import openai_server as fake
from tests.openai_server import OpenAIServer, critic

N = 3


def scripted(function, **settings):
    return {"kind": "scripted", "script": f"tests.scripts:{function}", **settings}


def recipe(**changes):
    values = {
        "name": "sampled",
        "instructions": {"builtin": "stage1", "limit": 20},
        "drafts": scripted("draft", temperature=0.7),
        "critic": scripted("critic"),
        "batch_size": 8,
        "samples": N,
        **changes,
    }
    return parse_recipe(values, "recipe.yaml")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return build_run(recipe(), tmp_path_factory.mktemp("samples") / "run")


@pytest.fixture(scope="module")
def run_of_all(tmp_path_factory):
    return build_run(recipe(keep="all"), tmp_path_factory.mktemp("all") / "run")


def without_times(rows):
    return [{**row, "calls": [{**call, "latency": None} for call in row["calls"]]} for row in rows]


def by_instruction(rows):
    groups = groupby(rows, key=lambda row: instruction_id(row["id"]))
    return {instruction: list(group) for instruction, group in groups}


def test_each_instruction_has_as_many_drafts_with_seeds_of_their_own(run):
    groups = by_instruction(run.iter_rows())
    assert len(groups) == 20
    for first, rows in groups.items():
        assert [row["id"] for row in rows] == [first, f"{first}-s2", f"{first}-s3"]
        assert len({row["calls"][0]["seed"] for row in rows}) == N
        assert len({row["instruction"] for row in rows}) == 1
        assert len({row["draft"] for row in rows}) == N


def test_the_first_draft_is_the_one_of_a_run_without_samples(run, tmp_path):
    alone = build_run(recipe(samples=1), tmp_path / "alone")
    first = [rows[0] for rows in by_instruction(run.iter_rows()).values()]
    fates = ("status", "reason", "detail")
    for row, other in zip(without_times(first), without_times(alone.iter_rows()), strict=True):
        same = row.keys() - fates
        assert {key: row[key] for key in same} == {key: other[key] for key in same}
    assert "instructions" not in alone.read_manifest().funnel.model_dump()


def test_the_row_with_the_greatest_margin_is_kept(run, run_of_all):
    passing = by_instruction(row for row in run_of_all.iter_rows() if row["status"] == "kept")
    kept = {instruction_id(row["id"]): row for row in run.iter_rows() if row["status"] == "kept"}
    assert kept.keys() == passing.keys()
    assert any(len(rows) > 1 for rows in passing.values())
    for instruction, rows in passing.items():
        best = max(rows, key=lambda row: (margin_of(row), row["refinement_score"]))
        assert kept[instruction]["id"] == best["id"]
    for row in run.iter_rows():
        if row["reason"] == "not_best_sample":
            best = kept[instruction_id(row["id"])]
            assert margin_of(row) <= margin_of(best)
            assert row["detail"] == f"{best['id']} is kept, with a margin of {margin_of(best)}"


def test_counts_are_readable(run, capsys):
    facts = run_facts(run)
    assert (facts["rows"], facts["instructions"]) == (20 * N, 20)
    assert facts["kept"] + sum(facts["dropped"].values()) == 20 * N
    print_funnel(facts)
    printed = capsys.readouterr().out
    assert "20  instructions drawn" in printed
    assert "60  drafts of them" in printed


def test_a_stopped_run_continues_to_the_same_ledger(run, tmp_path):
    stop = threading.Event()

    class StopAfterSome(Unobserved):
        def written(self, done):
            stop.set()

    folder = tmp_path / "run"
    with pytest.raises(RunFailed, match=r"of 20 instructions; the same command continues"):
        build_run(recipe(), folder, StopAfterSome(), stop=stop)
    build_run(recipe(), folder, limit=15)
    assert Run(folder).count_instructions() == 15
    assert Run(folder).read_manifest() is None
    whole = build_run(recipe(), folder)
    assert without_times(whole.iter_rows()) == without_times(run.iter_rows())
    assert whole.read_manifest().funnel == run.read_manifest().funnel


def test_kill_9_loses_no_part_and_the_rerun_completes(run, tmp_path, monkeypatch):
    changes = {"drafts": scripted("killed_after_forty", temperature=0.7)}
    code = (
        "from pathlib import Path; from tests.pipelines.generate.test_samples import *;"
        f"build_run(recipe(**{changes!r}), Path({str(tmp_path / 'run')!r}))"
    )
    root = Path(__file__).parents[3]
    killed = subprocess.run([sys.executable, "-c", code], cwd=root, check=False)
    assert killed.returncode == -9
    assert Run(tmp_path / "run").count_instructions() < 20
    import tests.scripts

    monkeypatch.setattr(tests.scripts, "killed_after_forty", tests.scripts.draft)
    whole = build_run(recipe(**changes), tmp_path / "run")
    assert without_times(whole.iter_rows()) == without_times(run.iter_rows())


def test_instructions_that_are_not_used_have_one_row(run, tmp_path):
    path = tmp_path / "twice.jsonl"
    path.write_text('{"instruction": "Why is the sky blue?"}\n' * 2 + '{"instruction": "Why?"}\n')
    source = {"path": str(path), "license": "mit"}
    twice = build_run(recipe(instructions=source), tmp_path / "run")
    rows = [(row["id"][16:], row["reason"] == "duplicate") for row in twice.iter_rows()]
    one = [("", False), ("-s2", False), ("-s3", False)]
    assert rows == [*one, ("-1", True), *one]
    assert twice.read_manifest().funnel.model_dump()["instructions"] == 3


def test_a_release_has_all_drafts_of_an_instruction_in_one_split(run, run_of_all, tmp_path):
    for made, name in ((run, "best"), (run_of_all, "all")):
        gate = ReleaseGate(GateSettings(benchmarks=False, foreign_text="warn"))
        release = release_runs(
            [(made, made.read_manifest())],
            name=name,
            version="1.0.0",
            out=tmp_path,
            check=gate.check,
        )
        splits = {}
        for path in (release / "ledger").glob("*.parquet"):
            for row in read_rows(path, LEDGER_ROWS, ["id"]):
                splits.setdefault(instruction_id(row["id"]), set()).add(path.name.split("-")[0])
        assert {len(names) for names in splits.values()} == {1}
        assert {"train", "test"} == set.union(*splits.values())
        card = (release / "README.md").read_text()
        assert "The 60 candidates are for 20 instructions, each of which may have several" in card
        # Reviews draw from all rows that were scored.
        reviewable = {row["id"] for row in open_source(release).rows("scored")}
        scored = {row["id"] for row in made.iter_rows() if row["refinement_score"] is not None}
        assert reviewable == scored


def test_a_failed_draft_is_tried_again_and_the_best_decided_again(tmp_path):
    down = True

    def reply(body, n):
        drafting = "### Instruction" not in body["messages"][-1]["content"]
        return fake.status(503) if down and drafting and n % 4 == 0 else critic(body, n)

    with OpenAIServer(reply) as server:
        store = CompletionStore(tmp_path / "responses.sqlite")
        endpoint = {
            "kind": "openai",
            "base_url": server.url,
            "api_key_env": None,
            "model": "m",
            "max_attempts": 1,
        }
        asked = recipe(
            instructions={"builtin": "stage1", "limit": 8},
            drafts={**endpoint, "temperature": 1.0},
            critic=endpoint,
        )
        run = build_run(asked, tmp_path / "run", store=store)
        lost = run.read_manifest().funnel.dropped["call_failed"]
        assert 0 < lost < 8 * N
        down, sent = False, len(server.requests)
        run = build_run(asked, tmp_path / "run", store=store)
        # A draft, its critique and two scores of each row that was lost, and nothing else.
        assert len(server.requests) <= sent + 4 * lost
        facts = run.read_manifest().funnel
        assert "call_failed" not in facts.dropped
        assert facts.model_dump() == Funnel.of(run.iter_rows()).as_facts()
        for rows in by_instruction(run.iter_rows()).values():
            kept = [row for row in rows if row["status"] == "kept"]
            assert len(kept) <= 1
            assert len(rows) == N


def test_seeds_that_are_not_sent_make_other_requests_all_the_same(tmp_path):
    with OpenAIServer(lambda body, n: f"Draft {n}." if n < N else critic(body, n)) as server:
        endpoint = {
            "kind": "openai",
            "base_url": server.url,
            "api_key_env": None,
            "model": "m",
            "in_flight": 1,
        }
        asked = recipe(
            instructions={"builtin": "stage1", "limit": 1},
            drafts={**endpoint, "temperature": None, "seed": None},
            critic=scripted("good_critic"),
        )
        store = CompletionStore(tmp_path / "responses.sqlite")
        run = build_run(asked, tmp_path / "run", store=store)
        assert len({row["draft"] for row in run.iter_rows()}) == N
        assert not any("seed" in body for body in server.requests)


def test_rounds_go_on_with_every_row_that_was_kept(tmp_path):
    asked = recipe(keep="all", rounds=2, critic=scripted("good_critic"))
    runs = list(build_rounds(asked, tmp_path / "run", build_run))
    kept = [row for row in runs[0].iter_rows() if row["status"] == "kept"]
    assert len(runs) == 2
    second = list(runs[1].iter_rows())
    assert [row["draft"] for row in second] == [row["refinement"] for row in kept]
    assert len({row["id"] for row in second}) == len(second)
    assert "duplicate" not in {row["reason"] for row in second}
    assert runs[1].read_manifest() is not None


def test_in_stage_2_one_pair_of_an_instruction_is_kept(tmp_path):
    trained = scripted("trained")
    values = {
        "name": "pairs",
        "stage": 2,
        "instructions": {"builtin": "stage2", "limit": 12},
        "drafts": {**trained, "temperature": 0.7},
        "critic": trained,
        "disjoint_from": [],
        "samples": 2,
    }
    run = build_run(parse_recipe(values, "recipe.yaml"), tmp_path / "run")
    for rows in by_instruction(run.iter_rows()).values():
        assert len(rows) == 2
        # The script gives equal drafts equal scores: the first one is kept.
        assert rows[1]["status"] == "dropped"
        assert rows[1]["reason"] in ("not_best_sample", "margin")


def test_calls_are_estimated_for_each_draft():
    asked = recipe()
    steps = {one.step: one for one in estimate(asked, make_sources(asked.instructions), len, 5)}
    assert {one.calls for one in steps.values()} == {5 * N}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"drafts": scripted("draft")}, "drafts.temperature is 0, so that all 3 samples"),
        ({"drafts": {"kind": "file", "model": "m"}}, "samples: drafts that are given"),
        ({"samples": 0}, "samples: Input should be greater than or equal to 1"),
        ({"keep": "worst"}, "keep: Input should be 'best' or 'all'"),
    ],
)
def test_what_cannot_be_is_one_line(changes, line):
    with pytest.raises(BadInput, match=line):
        recipe(**changes)

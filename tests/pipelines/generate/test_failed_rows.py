"""Rows that got no answer, and the same command again."""

import json

import pytest

from builders.errors import BadInput, RunFailed
from builders.ledger.funnel import Funnel
from pipelines.generate.build import build_run
from pipelines.generate.failed_rows import rows_to_retry
from pipelines.llms.store import CompletionStore
from pipelines.recipe.file import parse_recipe
from tests import openai_server as fake
from tests.openai_server import OpenAIServer, critic

ROWS = [{"instruction": f"Name number {n} in words.", "draft": f"It is {n}."} for n in range(12)]


@pytest.fixture
def make(tmp_path):
    def recipe(url, rows=12):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS[:rows]))
        values = {
            "name": "retried",
            "batch_size": 4,
            "instructions": {"path": str(path), "license": "cc0-1.0"},
            "drafts": {"kind": "file", "model": "someone"},
            "critic": {
                "kind": "openai",
                "base_url": url,
                "api_key_env": None,
                "model": "m",
                "max_attempts": 1,
                "in_flight": 1,
            },
        }
        return parse_recipe(values, "test")

    return recipe


def prompt(body):
    return body["messages"][-1]["content"]


def rows_of(run):
    """Rows as they are but for how long their calls took."""
    return [
        {**row, "calls": [{**call, "latency": None} for call in row["calls"]]}
        for row in run.iter_rows()
    ]


@pytest.mark.parametrize("fault", [fake.status(503), fake.status(424), fake.html(502)])
def test_a_passing_fault_loses_no_row_of_a_run_that_has_ended(make, tmp_path, fault):
    down = True

    def reply(body, n):
        return fault if down and "number 5 " in prompt(body) else critic(body, n)

    with OpenAIServer(reply) as server:
        store = CompletionStore(tmp_path / "responses.sqlite")
        run = build_run(make(server.url), tmp_path / "run", store=store)
        assert run.read_manifest().funnel.dropped["call_failed"] == 1
        before = rows_of(run)
        sent = len(server.requests)
        down = False
        again = build_run(make(server.url), tmp_path / "run", store=store)
        # The critique and two scores of one row.
        assert len(server.requests) <= sent + 3
        assert "call_failed" not in again.read_manifest().funnel.dropped
        after = rows_of(again)
        assert [row["id"] for row in after] == [row["id"] for row in before]
        assert after[:5] + after[6:] == before[:5] + before[6:]
        assert again.read_manifest().funnel.model_dump() == Funnel.of(after).as_facts()
        # Nothing is left to do.
        sent = len(server.requests)
        build_run(make(server.url), tmp_path / "run", store=store)
        assert len(server.requests) == sent


def test_a_row_that_fails_again_stays_and_a_fault_of_the_request_is_final(make, tmp_path):
    def reply(body, n):
        if "number 5 " in prompt(body):
            return fake.status(500)
        if "number 7 " in prompt(body):
            return fake.status(400, "Odd messages.")
        return critic(body, n)

    with OpenAIServer(reply) as server:
        run = build_run(make(server.url), tmp_path / "run")
        assert len(rows_to_retry(run)) == 1
        sent = len(server.requests)
        again = build_run(make(server.url), tmp_path / "run")
        assert len(server.requests) == sent + 1
        assert again.read_manifest().funnel.dropped["call_failed"] == 2
        assert again.count_rows() == 12


def test_a_stopped_run_is_continued_with_its_failed_rows(make, tmp_path):
    down = True

    def reply(body, n):
        return fake.status(503) if down and "number 1 " in prompt(body) else critic(body, n)

    with OpenAIServer(reply) as server:
        run = build_run(make(server.url), tmp_path / "run", limit=6)
        assert run.read_manifest() is None
        down = False
        run = build_run(make(server.url), tmp_path / "run")
        assert run.count_rows() == 12
        assert not run.read_manifest().funnel.dropped.get("call_failed")
        whole = build_run(make(server.url), tmp_path / "whole")
        assert [row["id"] for row in rows_of(run)] == [row["id"] for row in rows_of(whole)]


@pytest.mark.parametrize(("rows", "limit"), [(1, None), (3, None), (12, 3)])
def test_a_run_without_any_answer_fails_however_few_its_rows_are(make, tmp_path, rows, limit):
    with OpenAIServer(lambda body, n: fake.status(503)) as server:
        with pytest.raises(RunFailed, match=r"got no answer .*HTTP 503"):
            build_run(make(server.url, rows), tmp_path / "run", limit=limit)
        assert not (tmp_path / "run").exists()


def test_a_retry_that_cannot_start_leaves_the_run_complete(make, tmp_path):
    def reply(body, n):
        return fake.status(503) if "number 5 " in prompt(body) else critic(body, n)

    with OpenAIServer(reply) as server:
        run = build_run(make(server.url), tmp_path / "run")
        recipe = make(server.url)
    with pytest.raises((RunFailed, BadInput)):
        build_run(recipe, tmp_path / "run")
    assert run.read_manifest() is not None

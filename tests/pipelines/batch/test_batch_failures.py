"""What an endpoint can do to a batch, and what becomes of its rows."""

import threading
from collections import Counter

import pytest

from builders.errors import BadInput, RunFailed
from pipelines.batch.driver import build_in_batches
from tests import openai_server as server
from tests.batch_runs import (
    KEY,
    SCRIPTED,
    WAIT,
    assert_no_key_in,
    comparable,
    live,
    make_recipe,
    reply,
    submitted,
)
from tests.batch_server import BatchServer


def test_failed_lines_are_sent_again_three_times(tmp_path, store):
    attempts = Counter()

    def failing(body, n):
        prompt = body["messages"][-1]["content"]
        attempts[prompt] += 1
        if body["model"] == "draft-model":
            if body["seed"] % 3 == 0:
                return server.status(500, f"try later, {KEY}")
            if body["seed"] % 3 == 1 and attempts[prompt] == 1:
                return server.answer(None)
        return reply(body, n)

    with BatchServer(failing) as endpoint:
        recipe = make_recipe(endpoint.url, execution=WAIT, batch_size=64)
        run = build_in_batches(recipe, tmp_path / "run", store=store)
        assert max(submitted(endpoint).values()) == 3
    assert_no_key_in(run.folder)
    lost = [row for row in run.iter_rows() if row["reason"] == "call_failed"]
    assert 3 < len(lost) < 14
    for row in lost:
        assert row["detail"] == "HTTP 500: try later, *** (the last of 3 failures)"
        (call,) = row["calls"]
        assert (call["attempts"], call["failures"]) == (3, ["HTTP 500"] * 3)
    second = [row for row in run.iter_rows() if row["calls"][0]["attempts"] == 2]
    assert second
    assert {tuple(row["calls"][0]["failures"]) for row in second} == {("content is null",)}


def test_rows_that_failed_are_sent_again_by_the_same_command_of_a_run_that_has_ended(
    tmp_path, store
):
    down = True

    def failing(body, n):
        is_lost = down and body["model"] == "draft-model" and body["seed"] % 4 == 0
        return server.status(503) if is_lost else reply(body, n)

    with BatchServer(failing) as endpoint:
        recipe = make_recipe(endpoint.url, execution=WAIT, batch_size=64)
        run = build_in_batches(recipe, tmp_path / "run", store=store)
        lost = run.read_manifest().funnel.dropped["call_failed"]
        sent = submitted(endpoint).total()
        down = False
        run = build_in_batches(recipe, tmp_path / "run", store=store)
        # A draft, a critique and two scores, or fewer.
        assert lost <= submitted(endpoint).total() - sent <= 4 * lost
    assert "call_failed" not in run.read_manifest().funnel.dropped
    assert [row["id"] for row in run.iter_rows()] == [
        row["id"] for row in live(tmp_path, reply).iter_rows()
    ]


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_what_an_expired_batch_has_is_used_and_the_rest_sent_again(tmp_path, store, status):
    with BatchServer(reply, ends={0: status}) as endpoint:
        recipe = make_recipe(endpoint.url, rows=10, execution=WAIT)
        run = build_in_batches(recipe, tmp_path / "run", store=store)
        sizes = [batch["request_counts"]["total"] for batch in endpoint.batches]
        # Then critiques of the drafts that came, and the drafts that did not, side by side.
        assert sizes[:3] == [10, 5, 5]
        assert sum(count == 2 for count in submitted(endpoint).values()) == 5
    expected = comparable(live(tmp_path, reply, rows=10), cost=0.5)
    rows = comparable(run)
    for row in rows:
        for call in row["calls"]:
            assert call["failures"] in ([], [status])
            call["failures"] = []
    assert rows == expected


def test_a_failed_batch_says_why_and_is_sent_again(tmp_path, store):
    with BatchServer(reply, ends={0: "failed"}) as endpoint:
        recipe = make_recipe(endpoint.url, rows=6, execution=WAIT)
        with pytest.raises(
            RunFailed, match=r"batch_0000 failed: Enqueued token limit reached; the"
        ):
            build_in_batches(recipe, tmp_path / "run", store=store)
        run = build_in_batches(recipe, tmp_path / "run", store=store)
        assert len(endpoint.batches) == 4
    assert comparable(run) == comparable(live(tmp_path, reply, rows=6), cost=0.5)


def test_an_outage_of_every_row_is_tried_again_by_the_same_command(tmp_path, store):
    broken = threading.Event()
    broken.set()

    def answer(body, n):
        return server.status(503) if broken.is_set() else reply(body, n)

    with BatchServer(answer) as endpoint:
        recipe = make_recipe(endpoint.url, rows=8, execution=WAIT)
        with pytest.raises(RunFailed, match=r"got no answer .* tries them again"):
            build_in_batches(recipe, tmp_path / "run", store=store)
        assert len(endpoint.batches) == 3
        broken.clear()
        run = build_in_batches(recipe, tmp_path / "run", store=store)
    assert comparable(run) == comparable(live(tmp_path, reply, rows=8), cost=0.5)


def test_a_model_that_wants_another_field_is_asked_with_it(tmp_path, store):
    def picky(body, n):
        if "max_tokens" in body:
            return server.status(
                400, "Use 'max_completion_tokens' instead.", "unsupported_parameter"
            )
        return reply(body, n)

    with BatchServer(picky) as endpoint:
        recipe = make_recipe(endpoint.url, rows=6, execution=WAIT, **SCRIPTED)
        run = build_in_batches(recipe, tmp_path / "run", store=store)
        assert len(endpoint.batches) == 3
    assert run.read_manifest().funnel.dropped.get("call_failed") is None


def test_a_model_that_is_not_there_ends_the_run_in_a_line(tmp_path, store):
    def missing(body, n):
        return server.status(404, "The model does not exist", "model_not_found")

    with BatchServer(missing) as endpoint:
        recipe = make_recipe(endpoint.url, rows=6, execution=WAIT)
        with pytest.raises(
            BadInput, match=r"no model 'draft-model' for a batch \(404\): The model"
        ):
            build_in_batches(recipe, tmp_path / "run", store=store)


def test_rows_whose_prompt_is_too_long_are_lost_at_once(tmp_path, store):
    def long(body, n):
        if body["seed"] % 2:
            return server.status(400, "too many tokens", "context_length_exceeded")
        return reply(body, n)

    with BatchServer(long) as endpoint:
        recipe = make_recipe(endpoint.url, rows=10, execution=WAIT, batch_size=64)
        run = build_in_batches(recipe, tmp_path / "run", store=store)
    assert run.read_manifest().funnel.dropped["context_exceeded"] > 2
    other = live(tmp_path, long, rows=10, batch_size=64)
    assert comparable(run) == comparable(other, cost=0.5)


def test_an_endpoint_without_batches_is_told_before_anything_is_made(tmp_path, store):
    with server.OpenAIServer(reply) as endpoint:
        recipe = make_recipe(endpoint.url, **SCRIPTED)
        with pytest.raises(BadInput, match=r"no batch API there, .* local \(404\)"):
            build_in_batches(recipe, tmp_path / "run", store=store)
    assert not (tmp_path / "run").exists()


def test_a_run_that_fails_before_anything_is_sent_leaves_no_folder(tmp_path, store):
    drafts = {"kind": "scripted", "script": "tests.scripts:refused"}
    with BatchServer(reply) as endpoint:
        with pytest.raises(BadInput, match="refused the key"):
            build_in_batches(
                make_recipe(endpoint.url, drafts=drafts), tmp_path / "run", store=store
            )
        assert not endpoint.files
    assert not (tmp_path / "run").exists()


def test_a_refused_key_is_told_and_never_shown(tmp_path, store, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-0123456789")
    with BatchServer(reply, key=KEY) as endpoint:
        recipe = make_recipe(endpoint.url)
        with pytest.raises(BadInput, match=r"refused the key in \$OPENAI_API_KEY \(401\)") as error:
            build_in_batches(recipe, tmp_path / "run", store=store)
    assert "sk-wrong" not in str(error.value)
    assert not (tmp_path / "run").exists()


def test_an_endpoint_that_stumbles_is_asked_again(tmp_path, store):
    count = 0

    def stumble(method, path):
        nonlocal count
        count += 1
        if count % 3 == 0:
            headers = {"Retry-After-Ms": "1"}
            return server.web.json_response({"error": "busy"}, status=503, headers=headers)
        return None

    with BatchServer(reply, fault=stumble) as endpoint:
        recipe = make_recipe(endpoint.url, rows=6, execution=WAIT)
        assert build_in_batches(recipe, tmp_path / "run", store=store).read_manifest()
        assert len(endpoint.batches) == 3

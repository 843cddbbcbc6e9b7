"""Whole runs by batch API, against a local server that speaks it."""

import json
import threading
from collections import Counter

import pytest
import yaml

from builders.errors import BadInput, RunFailed
from pipelines.batch import submit
from pipelines.batch.driver import build_in_batches
from pipelines.generate.build import build_run
from pipelines.recipe.execution import LocalExecution
from pipelines.recipe.file import parse_recipe
from tests import openai_server as server
from tests.batch_runs import (
    KEY,
    SCRIPTED,
    WAIT,
    comparable,
    live,
    make_recipe,
    paid,
    reply,
    submitted,
)
from tests.batch_server import BatchServer


def test_a_run_by_batch_has_the_ledger_of_a_live_one(tmp_path, store):
    lines = []
    with BatchServer(paid, polls=2, key=KEY) as endpoint:
        run = build_in_batches(
            make_recipe(endpoint.url, execution=WAIT),
            tmp_path / "run",
            store=store,
            notify=lines.append,
        )
        assert endpoint.live == 0
        # Drafts, critiques, and both scores together.
        assert len(endpoint.batches) == 3
        assert set(submitted(endpoint).values()) == {1}
    other = live(tmp_path, paid)
    assert comparable(run) == comparable(other, cost=0.5)
    facts, live_facts = run.read_manifest(), other.read_manifest()
    assert facts.funnel.cost == pytest.approx(live_facts.funnel.cost / 2)
    assert facts.funnel.kept > 5
    assert facts.models == live_facts.models
    assert any("in_progress (0 of 24 requests done)" in line for line in lines)
    assert "batch batch_0000 completed: 24 answers, 0 failures" in lines


def test_a_models_thinking_is_in_the_ledger_of_a_live_run_and_of_one_by_batch(tmp_path, store):
    def thinking(body, n):
        details = {"reasoning_tokens": 40}
        usage = {
            "prompt_tokens": 60,
            "completion_tokens": 50,
            "completion_tokens_details": details,
        }
        thought = f"It is about {body['seed']}."
        return {**server.answer(reply(body, n), body, reasoning_content=thought), "usage": usage}

    with BatchServer(thinking) as endpoint:
        recipe = make_recipe(endpoint.url, execution=WAIT, rows=8)
        run = build_in_batches(recipe, tmp_path / "run", store=store)
    assert comparable(run) == comparable(live(tmp_path, thinking, rows=8), cost=0.5)
    calls = [call for row in run.iter_rows() for call in row["calls"]]
    assert len(calls) > 16
    for call in calls:
        assert call["reasoning"] == f"It is about {call['seed']}."
        assert (call["tokens_out"], call["tokens_reasoning"]) == (50, 40)


def test_several_drafts_and_scorers_go_by_batch_too(tmp_path, store):
    settings = {"rows": 8, "samples": 3, "scorers": ["critic-model", "other-model"]}
    with BatchServer(paid) as endpoint:
        recipe = make_recipe(endpoint.url, execution=WAIT, **settings)
        run = build_in_batches(recipe, tmp_path / "run", store=store)
        # Drafts, critiques, and the scores of both scorers at the same time.
        assert len(endpoint.batches) == 4
        assert set(submitted(endpoint).values()) == {1}
    assert comparable(run) == comparable(live(tmp_path, paid, **settings), cost=0.5)
    scored = [row for row in run.iter_rows() if row["refinement_score"] is not None]
    assert len(scored) > 8
    assert all(row["control_scores"][0]["refinement_score"] for row in scored)


def test_repairs_go_by_batch_too(tmp_path, store):
    from tests.scripts import mending_critic

    def mending(body, n):
        if body["model"] == "draft-model":
            return "A draft."
        return mending_critic(body["messages"], body["seed"])

    settings = {"max_repairs": 1, "rows": 10}
    with BatchServer(mending) as endpoint:
        recipe = make_recipe(endpoint.url, execution=WAIT, **settings)
        run = build_in_batches(recipe, tmp_path / "run", store=store)
        assert len(endpoint.batches) == 4
    assert comparable(run) == comparable(live(tmp_path, mending, **settings), cost=0.5)


def test_weights_are_not_loaded_where_every_draft_is_kept(tmp_path, store, monkeypatch):
    from pipelines.llms.weights.local import TransformersLLM
    from tests.tiny_model import save_tiny_model

    loads = []
    real = TransformersLLM.load
    monkeypatch.setattr(TransformersLLM, "load", lambda llm: (loads.append(llm), real(llm)))
    drafts = {
        "kind": "transformers",
        "model": str(save_tiny_model(tmp_path / "tiny")),
        "max_new_tokens": 4,
    }
    settings = {"rows": 5, "drafts": {**drafts, "temperature": 0.7, "device": "cpu"}}
    with BatchServer(reply) as endpoint:
        recipe = make_recipe(endpoint.url, execution=WAIT, **settings)
        run = build_in_batches(recipe, tmp_path / "run", store=store)
    assert len(loads) == 1
    assert comparable(run) == comparable(live(tmp_path, reply, **settings), cost=0.5)


def test_many_requests_are_split_into_several_batches(tmp_path, store, monkeypatch):
    monkeypatch.setattr(submit, "MAX_REQUESTS", 4)
    with BatchServer(reply) as endpoint:
        recipe = make_recipe(endpoint.url, rows=10, execution=WAIT)
        run = build_in_batches(recipe, tmp_path / "run", store=store)
        sizes = [batch["request_counts"]["total"] for batch in endpoint.batches]
        assert sizes[:3] == [4, 4, 2]
        assert set(submitted(endpoint).values()) == {1}
        assert sorted(int(path.stem) for path in (run.folder / "batches").glob("*.json")) == list(
            range(1, len(sizes) + 1)
        )
        assert run.read_manifest()
    monkeypatch.setattr(submit, "MAX_REQUESTS", 1000)
    monkeypatch.setattr(submit, "MAX_BYTES", 5000)
    with BatchServer(reply) as endpoint:
        recipe = make_recipe(endpoint.url, rows=10, execution=WAIT, seed=1)
        build_in_batches(recipe, tmp_path / "other", store=store)
        assert len(endpoint.batches) > 3
        for batch in endpoint.batches:
            content = endpoint.files[batch["input_file_id"]]
            assert len(content) <= 5000 or len(content.splitlines()) == 1


def test_the_budget_is_kept_to_and_a_larger_one_continues(tmp_path, store):
    def used(endpoint):
        return 300 * len(endpoint.lines)

    with BatchServer(paid) as endpoint:
        limited = {"budget": {"tokens": 9_000}, "rows": 12, "critic": {"max_new_tokens": 400}}
        recipe = make_recipe(endpoint.url, execution=WAIT, **limited)
        with pytest.raises(RunFailed, match="budget of 9,000 tokens is used up"):
            build_in_batches(recipe, tmp_path / "run", store=store)
        assert 3_000 < used(endpoint) <= 9_000
        limited["budget"] = {"tokens": 100_000}
        recipe = make_recipe(endpoint.url, execution=WAIT, **limited)
        run = build_in_batches(recipe, tmp_path / "run", store=store)
        assert set(submitted(endpoint).values()) == {1}
    expected = comparable(live(tmp_path, paid, rows=12, critic=limited["critic"]), cost=0.5)
    assert comparable(run) == expected


def test_local_drafts_are_made_once_and_a_trial_grows(tmp_path, store, monkeypatch):
    from pipelines.batch import collect

    # As weights would be: kept in the run folder, and not made again.
    monkeypatch.setattr(collect, "ScriptedModel", type(None))
    from tests import scripts

    drafts = Counter()
    real = scripts.draft

    def counted(messages, seed):
        drafts[seed] += 1
        return real(messages, seed)

    monkeypatch.setattr(scripts, "draft", counted)
    with BatchServer(reply) as endpoint:
        recipe = make_recipe(endpoint.url, rows=20, execution=WAIT, **SCRIPTED)
        trial = build_in_batches(recipe, tmp_path / "run", store=store, limit=8)
        assert trial.read_manifest() is None
        assert trial.count_rows() == 8
        run = build_in_batches(recipe, tmp_path / "run", store=store)
        assert set(submitted(endpoint).values()) == {1}
    assert set(drafts.values()) == {1}
    monkeypatch.setattr(scripts, "draft", real)
    assert comparable(run) == comparable(live(tmp_path, reply, rows=20, **SCRIPTED), cost=0.5)


def test_a_run_that_was_begun_live_is_continued_by_batch(tmp_path, store):
    stop = threading.Event()
    with BatchServer(reply) as endpoint:
        recipe = make_recipe(endpoint.url, rows=20)
        local = recipe.model_copy(update={"execution": LocalExecution()})
        assert local.sha256 == recipe.sha256
        build_run(local, tmp_path / "run", store=store, limit=7, stop=stop)
        begun = endpoint.live
        waiting = make_recipe(endpoint.url, rows=20, execution=WAIT)
        run = build_in_batches(waiting, tmp_path / "run", store=store)
        assert endpoint.live == begun
    assert run.count_rows() == 20


def test_a_recipe_without_an_endpoint_has_nothing_to_send(tmp_path, store):
    scripted = {"kind": "scripted", "script": "tests.scripts:critic"}
    recipe = make_recipe("http://127.0.0.1:1/v1", drafts=SCRIPTED["drafts"])
    values = recipe.model_dump(mode="json") | {"critic": scripted}
    with pytest.raises(BadInput, match="needs drafts, critic or scorer of kind openai"):
        build_in_batches(parse_recipe(values, "test"), tmp_path / "run", store=store)


@pytest.mark.parametrize(
    ("execution", "says"),
    [
        ("{kind: bach}", "execution.kind: 'bach' is not one of"),
        ("{poll: 3}", "key 'execution.kind' is missing"),
        ("{kind: batch, pol: 3}", "unknown key 'execution.pol'; did you mean 'poll'?"),
        ("{kind: batch, poll: 0}", "execution.poll"),
        ("{kind: local, wait: true}", "unknown key 'execution.wait'"),
    ],
)
def test_a_wrong_execution_is_told_by_its_key(execution, says):
    values = json.loads(make_recipe("http://127.0.0.1:1/v1").model_dump_json())
    with pytest.raises(BadInput) as error:
        parse_recipe({**values, "execution": yaml.safe_load(execution)}, "recipe.yaml")
    assert says in str(error.value)

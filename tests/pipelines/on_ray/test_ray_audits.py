"""An audit on a real Ray of two workers, one of which dies: the judgments of one process."""

import json
from dataclasses import replace

import pytest

from builders.audit.result import read_judgments
from builders.errors import RunFailed
from pipelines.audit.run import AuditRequest, run_audit
from pipelines.llms.store import CompletionStore
from pipelines.recipe.file import execution_settings
from tests.frozen_sets import quality_set
from tests.openai_server import OpenAIServer
from tests.pipelines.on_ray.test_ray_runs import kill_a_worker
from tests.scripts import judge
from tests.tiny_model import TEMPLATE, save_tiny_model

pytestmark = pytest.mark.xdist_group("ray")


def test_an_audit_whose_worker_dies_goes_on_and_says_the_same(cluster, tmp_path):
    folder, store = quality_set(tmp_path), CompletionStore(tmp_path / "store.sqlite")

    def reply(body, n):
        if n == 40:
            kill_a_worker()
        return judge(body["messages"], 0)

    with OpenAIServer(reply, latency=0.02) as server:
        model = tmp_path / "model.yaml"
        block = {"kind": "openai", "model": "judge", "base_url": server.url, "in_flight": 8}
        model.write_text(json.dumps(block | {"api_key_env": None}))
        keys = ["execution.kind=ray", f"execution.address={cluster}", "execution.replicas=2"]
        asked = AuditRequest(str(model), folder, settings=execution_settings(keys))
        with pytest.raises(RunFailed, match=r"a Ray worker was lost .*the same command continues"):
            run_audit(asked, store=store)
        on_ray, audit = run_audit(asked, store=store)
        sent = len(server.requests)
        # What was in flight, or on its way to the store, is asked for again.
        assert 80 <= sent <= 80 + 8 + 32
        alone, _ = run_audit(AuditRequest(str(model), folder), folder / "audits/alone", store=store)
        assert len(server.requests) == sent
    assert audit.agreement["raw"]["value"] == 1
    assert read_judgments(on_ray) == read_judgments(alone)


def test_expected_scores_of_a_model_at_a_worker_are_those_of_one_process(cluster, tmp_path):
    folder = quality_set(tmp_path)
    save_tiny_model(tmp_path / "tiny", TEMPLATE)
    config = tmp_path / "tiny" / "config.json"
    # Room for the scoring prompt, of which every byte is a token.
    longer = json.loads(config.read_text()) | {"max_position_embeddings": 8192}
    config.write_text(json.dumps(longer))
    model = tmp_path / "model.yaml"
    block = {"kind": "transformers", "model": str(tmp_path / "tiny"), "scores": "expected"}
    model.write_text(json.dumps(block))
    keys = ["execution.kind=ray", f"execution.address={cluster}", "execution.replicas=2"]
    asked = AuditRequest(str(model), folder, limit=6)
    on_ray, _ = run_audit(replace(asked, settings=execution_settings(keys)))
    alone, _ = run_audit(asked, folder / "audits/alone")
    there, here = read_judgments(on_ray), read_judgments(alone)
    assert len(there) == 6
    for one, other in zip(there, here, strict=True):
        assert one["id"] == other["id"]
        for side in ("score_a", "score_b"):
            assert one[side] == pytest.approx(other[side], rel=1e-5)

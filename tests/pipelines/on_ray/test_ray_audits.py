"""An audit on a real Ray of two workers, one of which dies: the judgments of one process."""

import json

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

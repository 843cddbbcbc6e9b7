"""An evaluation on a real Ray, of models at two endpoints: the judgments of one process."""

import json

import pytest

from builders.errors import BadInput
from builders.evaluation.result import read_judgments
from pipelines.evaluation.run import EvaluationRequest, run_evaluation
from pipelines.llms.store import CompletionStore
from pipelines.recipe.file import execution_settings
from tests.openai_server import OpenAIServer
from tests.scripts import pair_judge, trained

pytestmark = pytest.mark.xdist_group("ray")


def test_an_evaluation_checks_all_endpoints_first_and_judges_as_one_process_does(cluster, tmp_path):
    rows = [
        {"instruction": f"Say {n}.", "output": "Yes." + " Better." * (n % 3)} for n in range(12)
    ]
    path = tmp_path / "reference.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def block(name, url, **more):
        file = tmp_path / f"{name}.yaml"
        values = {"kind": "openai", "model": name, "base_url": url, "api_key_env": None}
        file.write_text(json.dumps(values | more))
        return str(file)

    keys = ["execution.kind=ray", f"execution.address={cluster}", "budget.tokens=1000000"]
    store = CompletionStore(tmp_path / "store.sqlite")
    with (
        OpenAIServer(lambda body, n: trained(body["messages"], 0)) as server,
        OpenAIServer(lambda body, n: pair_judge(body["messages"], 0), key="sk-right") as judges,
    ):
        request = EvaluationRequest(
            block("model", server.url, trained=True),
            str(path),
            block("judge", judges.url),
            path,
            settings=execution_settings(keys),
        )
        with pytest.raises(BadInput, match="key"):
            run_evaluation(request, tmp_path / "on-ray", store=store)
        assert not server.requests
        judges.key = None
        run_evaluation(request, tmp_path / "on-ray", store=store)
        sent = len(server.requests), len(judges.requests)
        # Drafts and critiques; both answers in two orders, or equal to the reference's.
        assert sent[0] == 24
        here = EvaluationRequest(**(vars(request) | {"settings": execution_settings([])}))
        run_evaluation(here, tmp_path / "here", store=store)
        assert (len(server.requests), len(judges.requests)) == sent
    assert read_judgments(tmp_path / "on-ray") == read_judgments(tmp_path / "here")

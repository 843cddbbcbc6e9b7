"""What the tests of runs by batch share: recipes, replies, and ledgers to compare."""

from collections import Counter

from pipelines.generate.build import build_run
from pipelines.llms.store import CompletionStore
from pipelines.recipe.execution import LocalExecution
from pipelines.recipe.file import parse_recipe
from tests import openai_server as server
from tests.reply_bank import BROKEN

KEY = "sk-secret-0123456789"
BAD = [replies[0] for replies in BROKEN.values()]
WAIT = {"wait": True}
SCRIPTED = {"drafts": {"kind": "scripted", "script": "tests.scripts:draft", "temperature": 0.7}}


def reply(body, n):
    """The same for the same body, whatever its number; every fourth review is broken."""
    if body["seed"] % 4 == 0 and "### Improved Response" in body["messages"][0]["content"]:
        return BAD[body["seed"] // 4 % len(BAD)]
    return server.critic(body, body["seed"])


def paid(body, n):
    usage = {"prompt_tokens": 100, "completion_tokens": 200}
    return {**server.answer(reply(body, n), body), "usage": usage}


def make_recipe(url, rows=24, critic=None, execution=None, scorers=(), **changes):
    model = {
        "kind": "openai",
        "model": "critic-model",
        "base_url": url,
        "price": {"input": 3.0, "output": 5.0},
        **(critic or {}),
    }
    values = {
        "name": "by-batch",
        "instructions": [{"builtin": "stage1", "limit": rows}],
        "drafts": {**model, "model": "draft-model", "temperature": 0.7},
        "critic": model,
        "scorer": [{**model, "model": name} for name in scorers] or None,
        "execution": {"kind": "batch", "poll": 0.01, **(execution or {})},
        "batch_size": 7,
        **changes,
    }
    return parse_recipe(values, "test")


def live(tmp_path, answer, **settings):
    """The ledger of the same recipe without batches."""
    with server.OpenAIServer(answer) as endpoint:
        recipe = make_recipe(endpoint.url, **settings)
        recipe = recipe.model_copy(update={"execution": LocalExecution()})
        return build_run(recipe, tmp_path / "live", store=CompletionStore(tmp_path / "live.sqlite"))


def comparable(run, cost=1.0):
    """Rows without what a batch makes different; `cost` is the share that it should have."""
    rows = []
    for row in run.iter_rows():
        calls = [
            {
                **call,
                "latency": None,
                "attempts": None,
                "cost": call["cost"] and call["cost"] * cost,
            }
            for call in row["calls"]
        ]
        rows.append({**row, "calls": calls})
    return rows


def submitted(endpoint):
    """How often each request was part of a batch."""
    return Counter(
        line
        for batch in endpoint.batches
        for line in endpoint.files[batch["input_file_id"]].splitlines()
    )


def assert_no_key_in(folder):
    for path in folder.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path

"""The real recipe against a real HTTP endpoint whose replies are good, broken or no reply."""

from collections import Counter
from itertools import cycle

import yaml

from builders.ledger.run import Run
from pipelines.recipe.file import RECIPES_FOLDER
from tests import openai_server as server
from tests.reply_bank import BROKEN

# What is wrong with a reply, and the reason the ledger has to give. A score that cannot be read
# and an empty list are told by the filters; all else by the parser.
BAD = [
    # An endpoint says of a reply that stops in the middle that it ran out of tokens.
    (reason, server.cut_off(reply) if reason == "refinement_truncated" else reply)
    for reason, replies in BROKEN.items()
    for reply in replies
]
FAULTS = {
    "refusal": server.refusal(),
    "content_filtered": server.filtered(),
    "reply_truncated": server.cut_off("### Weaknesses\n1. It leaves out the"),
}
PASSING = [server.status(500), server.status(429, {"Retry-After": "0"}), server.html()]


class Critic:
    """Breaks every third review, each in another way, and fails now and then on the way."""

    def __init__(self):
        self.expected = {}
        self.bad = cycle([*BAD, *FAULTS.items()])
        self.passing = cycle(PASSING)
        self.reviews = 0

    def __call__(self, body, n):
        prompt = body["messages"][-1]["content"]
        if n % 11 == 5:
            return next(self.passing)
        if "### Improved Response" not in prompt:
            return server.critic(body, n)
        self.reviews += 1
        if self.reviews % 3:
            return server.critic(body, n)
        reason, reply = next(self.bad)
        self.expected[prompt] = reason
        return reply


def test_200_rows_with_every_broken_reply_in_the_ledger(srt, tmp_path):
    critic = Critic()
    with server.OpenAIServer(critic, key="sk-right") as endpoint:
        srt(
            "build",
            "stage1",
            "stage1-openai.yaml",
            "instructions=[{builtin: stage1}, {verifiable: 20}]",
            "drafts={kind: scripted, script: 'tests.scripts:draft'}",
            f"critic.base_url={endpoint.url}",
            "--out",
            "run",
            env={"OPENAI_API_KEY": "sk-right"},
        )
    rows = list(Run(tmp_path / "run").iter_rows())
    assert len(rows) == 200
    found = {}
    for row in rows:
        for prompt, reason in critic.expected.items():
            instruction = prompt.partition("### Instruction\n")[2]
            if f">\n{row['instruction']}\n</data-" in instruction.partition("### Response")[0]:
                found[row["id"]] = (reason, row["reason"])
    assert len(found) == len(critic.expected) >= 60
    wrong = Counter(pair for pair in found.values() if pair[0] != pair[1])
    assert not wrong
    # A broken reply costs its own row alone.
    lost = [row for row in rows if row["id"] not in found and row["status"] == "dropped"]
    assert {row["reason"] for row in lost} <= {"margin"}
    retried = [call for row in rows for call in row["calls"] if call["failures"]]
    assert {"HTTP 500", "429", "body is HTML"} <= {
        why for call in retried for why in call["failures"]
    }


def test_the_recipe_asks_with_the_papers_settings():
    recipe = yaml.safe_load((RECIPES_FOLDER / "stage1-openai.yaml").read_text())
    assert recipe["drafts"]["temperature"] == 0.7
    assert (recipe["critic"]["temperature"], recipe["critic"]["max_new_tokens"]) == (0, 2048)


def test_a_wrong_key_is_told_and_never_shown(srt, tmp_path):
    with server.OpenAIServer(server.critic, key="sk-right") as endpoint:
        failed = srt(
            "build",
            "stage1",
            "stage1-openai.yaml",
            "drafts={kind: scripted, script: 'tests.scripts:draft'}",
            f"critic.base_url={endpoint.url}",
            "--out",
            "run",
            env={"OPENAI_API_KEY": "sk-wrong-secret"},
            expect=2,
        )
    assert "refused the key in $OPENAI_API_KEY (401)" in failed.stderr
    assert "sk-wrong-secret" not in failed.stdout + failed.stderr
    assert not (tmp_path / "run").exists()


def test_a_run_that_dies_pays_for_nothing_twice(srt, tmp_path):
    """kill -9 in the middle, then a budget that is too small, then the rest."""
    import os
    import signal
    import subprocess
    import sys
    from pathlib import Path

    arguments = [
        "build",
        "stage1",
        "stage1-openai.yaml",
        "drafts={kind: scripted, script: 'tests.scripts:draft'}",
        "batch_size=20",
        "critic.in_flight=4",
        "--out",
        "run",
        "--store",
        "answers.sqlite",
    ]

    def slow(body, n):
        usage = {"prompt_tokens": 100, "completion_tokens": 100}
        return {**server.answer(server.critic(body, body["seed"]), body), "usage": usage}

    env = {"OPENAI_API_KEY": "sk"}
    with server.OpenAIServer(slow, latency=0.02) as endpoint:
        arguments.append(f"critic.base_url={endpoint.url}")
        srt_path = Path(sys.executable).with_name("srt")
        process = subprocess.Popen(
            [srt_path, *arguments],
            cwd=tmp_path,
            env={**os.environ, **env, "PYTHONPATH": str(Path(__file__).parents[2])},
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        while len(endpoint.requests) < 150:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        stopped = srt(*arguments, "budget.tokens=60000", env=env, expect=1)
        assert "the same command with a larger one continues" in stopped.stderr
        srt(*arguments, "budget.tokens=1000000", env=env)
        bodies = Counter(str(body) for body in endpoint.requests)
        # Only what was in flight at the kill may have been asked again.
        assert sum(count - 1 for count in bodies.values()) <= 4
    again = server.OpenAIServer(slow)
    with again as endpoint:
        arguments[-1] = f"critic.base_url={endpoint.url}"
        arguments[arguments.index("run")] = "again"
        arguments[arguments.index("answers.sqlite")] = "other.sqlite"
        srt(*arguments, env=env)

    def rows(name):
        return [
            {**row, "calls": [{**call, "latency": 0, "attempts": 0} for call in row["calls"]]}
            for row in Run(tmp_path / name).iter_rows()
        ]

    assert rows("run") == rows("again")

"""What is lost, and what is paid for twice, if the endpoint fails or the process is killed.

    python -m bench.faults --rows 20000 --kills 20

Failing endpoint: 5% of the requests get a 429 or 500, 1% a body that is not JSON, and 0.5% no
answer before the deadline. Claims: no row is lost, and at most 1% of the calls are wasted, that
is, repeated although they had been answered.

kill -9: `build_run` with a response store is killed at random moments and restarted until it is
complete, with new runs until there were that many kills. Claims: each ledger is the same as that
of an undisturbed run (except for latencies and attempts), and the requests repeated after a kill
are at most those in flight. The server counts requests by a hash of their bodies.
"""

import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from bench.common import ROOT, Texts, in_child, options, pipeline, show, verdict
from builders.ledger.run import Run
from pipelines import dag
from pipelines.generate.steps import KeepOrDrop, LoadInstructions
from pipelines.generate.tasks import DraftTask
from pipelines.llms.endpoint.openai import OpenAILLM
from tests import openai_server
from tests.openai_server import Body, OpenAIServer

IN_FLIGHT = 16
# The share of requests that get each fault.
FAULTS = {
    "429": (0.025, openai_server.status(429, "Too many requests.")),
    "500": (0.025, openai_server.status(500)),
    "cut JSON": (0.005, openai_server.truncated_json()),
    "HTML": (0.005, openai_server.html()),
    "hang": (0.005, openai_server.hang),
}


class Counting:
    """A server's `reply` with `faults`, which counts successful answers by request body."""

    def __init__(self, faults: dict[str, tuple[float, Any]]) -> None:
        self.faults = faults
        self.good: Counter[bytes] = Counter()
        self.failed: Counter[str] = Counter()
        self._draw = random.Random(0)

    def __call__(self, body: Body, _: int) -> Any:
        chance = self._draw.random()
        for name, (share, fault) in self.faults.items():
            if chance < share:
                self.failed[name] += 1
                return fault
            chance -= share
        key = hashlib.sha256(orjson.dumps(body)).digest()
        self.good[key] += 1
        # The same body always gets the same answer.
        return openai_server.critic(body, key[0] % 64)

    @property
    def repeated(self) -> int:
        return self.good.total() - len(self.good)


def draft(folder: Path, url: str, rows: int) -> dict[str, Any]:
    """Draft that many rows; counts those written to the ledger and those without a draft."""
    settings = {"in_flight": 64, "deadline": 2.0, "backoff_base": 0.05, "backoff_cap": 1.0}
    llm = OpenAILLM(model="m", base_url=url, api_key_env=None, **settings)
    steps = dag.load(
        pipeline(
            lambda: LoadInstructions(name="load", sources=[Texts(rows, 400)], batch_size=64),
            lambda: DraftTask(name="draft", llm=llm, seed=0),
            lambda: KeepOrDrop(name="verdict"),
        )
    )
    run, empty = Run(folder), 0
    for batch in dag.stream(steps):
        empty += sum(row["draft"] is None for row in batch)
        run.append(batch)
    return {"written": run.count_rows(), "empty": empty}


def build(folder: Path, recipe: str) -> dict[str, Any]:
    """Start or continue a stage-1 run with a response store next to it."""
    from pipelines.generate.build import build_run
    from pipelines.llms.store import CompletionStore
    from pipelines.recipe.file import load_recipe

    store = CompletionStore(folder.with_suffix(".sqlite"))
    run = build_run(load_recipe(Path(recipe)), folder, store=store)
    return {"rows": run.count_rows()}


def _child(task: str) -> None:
    what, *rest = json.loads(task).values()
    if what == "build":
        facts = build(Path(rest[0]), rest[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            facts = draft(Path(folder), *rest)
    print(json.dumps(facts), flush=True)


def failing(rows: int) -> None:
    reply = Counting(FAULTS)
    began = time.perf_counter()
    with OpenAIServer(reply) as server:
        task = {"what": "draft", "url": server.url, "rows": rows}
        counts = in_child("bench.faults", task).facts
    seconds = time.perf_counter() - began
    requests, failed = reply.good.total() + reply.failed.total(), reply.failed.total()
    lost = rows - counts["written"] + counts["empty"]
    header = ["", "rows", "requests", "failed", "repeated", "lost", "s"]
    line = ["drafts", rows, requests, failed, reply.repeated, lost, seconds]
    show("An endpoint that fails", header, [line])
    print(", ".join(f"{name}: {count}" for name, count in reply.failed.items()))
    verdict("rows lost", lost, "0", lost == 0)
    share = reply.repeated / rows * 100
    verdict("wasted calls, % of rows", share, "<= 1", share <= 1)


def write_recipe(folder: Path, url: str, rows: int) -> Path:
    instructions = [{"instruction": text.instruction} for text in Texts(rows, 400).records()]
    lines = "".join(f"{json.dumps(row)}\n" for row in instructions)
    (folder / "instructions.jsonl").write_text(lines)
    # The same block for both, so that they share one limit.
    model = {
        "kind": "openai",
        "model": "m",
        "base_url": url,
        "api_key_env": None,
        "in_flight": IN_FLIGHT,
    }
    recipe = {
        "name": "bench",
        "instructions": [{"path": "instructions.jsonl", "license": "cc0-1.0"}],
        "drafts": model,
        "critic": model,
        "batch_size": 32,
    }
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(recipe))  # JSON is YAML
    return path


def comparable(run: Run) -> list[dict[str, Any]]:
    """The ledger without what varies between runs."""
    varies = {"latency", "attempts", "failures"}
    return [
        {
            **row,
            "calls": [{k: v for k, v in call.items() if k not in varies} for call in row["calls"]],
        }
        for row in run.iter_rows()
    ]


def start(run: Path, recipe: Path) -> subprocess.Popen:
    task = json.dumps({"what": "build", "folder": str(run), "recipe": str(recipe)})
    command = [sys.executable, "-m", "bench.faults", "--one", task]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=ROOT, stdout=quiet, stderr=quiet)


def killed(folder: Path, rows: int, kills: int) -> None:
    draw, reply = random.Random(1), Counting({})
    same, bounds, repeated, runs, done = True, 0, 0, 0, 0
    with OpenAIServer(reply, latency=lambda: draw.expovariate(1 / 0.03)) as server:
        recipe = write_recipe(folder, server.url, rows)
        began = time.perf_counter()
        if start(folder / "undisturbed", recipe).wait(600):
            raise RuntimeError("the undisturbed run failed")
        # Minus the start-up time of Python, roughly.
        serving = max(1.0, time.perf_counter() - began - 3.0)
        expected, calls = comparable(Run(folder / "undisturbed")), len(reply.good)
        while done < kills:
            reply.good.clear()
            run, runs = folder / f"run-{runs}", runs + 1
            while True:
                child, before = start(run, recipe), len(server.requests)
                moment = draw.uniform(0, serving / 2) if done < kills else 600.0
                died = _kill_at(child, server, before, moment)
                if not died:
                    break
                done += 1
                bounds += IN_FLIGHT
            if child.returncode:
                raise RuntimeError(f"a killed run cannot be continued: {child.returncode}")
            same = same and comparable(Run(run)) == expected and len(reply.good) == calls
            repeated += reply.repeated
    header = ["", "rows", "calls", "runs", "kills", "repeated", "slots"]
    line = ["stage 1", rows, calls, runs, done, repeated, bounds]
    show("kill -9 at random moments", header, [line])
    verdict("runs that differ from the undisturbed run", 0.0 if same else 1.0, "0", same)
    verdict("calls repeated per kill", repeated / done, f"<= {IN_FLIGHT}", repeated <= bounds)


def _kill_at(child: subprocess.Popen, server: OpenAIServer, before: int, moment: float) -> bool:
    """Kill the child `moment` seconds after its first request; False if it ended before."""
    while child.poll() is None and len(server.requests) == before:
        time.sleep(0.01)
    try:
        child.wait(moment)
        return False
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        # The server needs a moment to notice that the client is gone.
        time.sleep(0.2)
        return True


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=20_000, help="rows for the failing endpoint")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--built", type=int, default=1000, help="rows of each killed run")
    arguments = parser.parse_args()
    if arguments.one:
        return _child(arguments.one)
    rows, kills, built = arguments.rows, arguments.kills, arguments.built
    if arguments.smoke:
        rows, kills, built = 1000, 1, 40
    failing(rows)
    with tempfile.TemporaryDirectory() as folder:
        killed(Path(folder), built, kills)
    return None


if __name__ == "__main__":
    main()

"""What is lost, and what is paid for twice, when the endpoint fails or the process is killed.

    python -m bench.faults --rows 20000 --kills 20

Failing endpoint: of all requests 5 % get 429 or 500, 1 % a body that is no JSON, and 0.5 % no
answer until the deadline. Claims: no row is lost, and at most 1 % of the calls are wasted, that
is, answered well and asked again.

kill -9: `build_run` with a response store, killed at random moments and started again until
it is complete, as often as it takes for that many kills. Claims: each ledger is that of a run
which nobody disturbed (but for latencies and attempts), and what is asked again after a kill is
at most what was in flight. The server counts requests by a hash of their bodies.
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
from builders.run import Run
from pipelines import dag
from pipelines.llms.openai import OpenAILLM
from pipelines.steps import KeepOrDrop, LoadInstructions
from pipelines.tasks import Draft
from tests import openai_server
from tests.openai_server import Body, OpenAIServer

IN_FLIGHT = 16
# Share of requests, and what becomes of them.
FAULTS = {
    "429": (0.025, openai_server.status(429, "Too many requests.")),
    "500": (0.025, openai_server.status(500)),
    "cut JSON": (0.005, openai_server.truncated_json()),
    "HTML": (0.005, openai_server.html()),
    "hang": (0.005, openai_server.hang),
}


class Counting:
    """A server's `reply` that fails as told, and knows which bodies it has answered well."""

    def __init__(self, faults: dict[str, tuple[float, Any]]) -> None:
        self.faults = faults
        self.good: Counter[bytes] = Counter()
        self.failed: Counter[str] = Counter()
        self._draw = random.Random(0)

    def __call__(self, body: Body, _: int) -> Any:
        drawn = self._draw.random()
        for name, (share, fault) in self.faults.items():
            if drawn < share:
                self.failed[name] += 1
                return fault
            drawn -= share
        key = hashlib.sha256(orjson.dumps(body)).digest()
        self.good[key] += 1
        # The same body gets the same answer, whenever it comes.
        return openai_server.critic(body, key[0] % 64)

    @property
    def repeated(self) -> int:
        return self.good.total() - len(self.good)


def draft(folder: Path, url: str, rows: int) -> dict[str, Any]:
    """Draft so many rows; how many have no answer, and how many reached the ledger."""
    settings = {"in_flight": 64, "deadline": 2.0, "backoff_base": 0.05, "backoff_cap": 1.0}
    llm = OpenAILLM(model="m", base_url=url, api_key_env=None, **settings)
    steps = dag.load(
        pipeline(
            lambda: LoadInstructions(name="load", sources=[Texts(rows, 400)], batch_size=64),
            lambda: Draft(name="draft", llm=llm, seed=0),
            lambda: KeepOrDrop(name="verdict"),
        )
    )
    run, empty = Run(folder), 0
    for batch in dag.stream(steps):
        empty += sum(row["draft"] is None for row in batch)
        run.append(batch)
    return {"written": run.count_rows(), "empty": empty}


def build(folder: Path, recipe: str) -> dict[str, Any]:
    """Begin or continue a run of stage 1 whose answers are kept beside it."""
    from pipelines.build import build_run
    from pipelines.llms.store import ResponseStore
    from pipelines.recipe_file import load_recipe

    store = ResponseStore(folder.with_suffix(".sqlite"))
    run = build_run(load_recipe(Path(recipe)), folder, store=store)
    return {"rows": run.count_rows()}


def _child(given: str) -> None:
    what, *rest = json.loads(given).values()
    if what == "build":
        facts = build(Path(rest[0]), rest[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            facts = draft(Path(folder), *rest)
    print(json.dumps(facts), flush=True)


def failing(rows: int) -> None:
    reply = Counting(FAULTS)
    begun = time.perf_counter()
    with OpenAIServer(reply) as server:
        given = {"what": "draft", "url": server.url, "rows": rows}
        found = in_child("bench.faults", given).facts
    seconds = time.perf_counter() - begun
    requests, failed = reply.good.total() + reply.failed.total(), reply.failed.total()
    lost = rows - found["written"] + found["empty"]
    header = ["", "rows", "requests", "failed", "repeated", "lost", "s"]
    line = ["drafts", rows, requests, failed, reply.repeated, lost, seconds]
    show("An endpoint that fails", header, [line])
    print(", ".join(f"{name}: {count}" for name, count in reply.failed.items()))
    verdict("rows lost", lost, "0", lost == 0)
    share = reply.repeated / rows * 100
    verdict("wasted calls, % of rows", share, "<= 1", share <= 1)


def write_recipe(folder: Path, url: str, rows: int) -> Path:
    instructions = [{"instruction": given.instruction} for given in Texts(rows, 400).candidates()]
    lines = "".join(f"{json.dumps(row)}\n" for row in instructions)
    (folder / "instructions.jsonl").write_text(lines)
    # One block for both, and therefore one limit.
    model = {
        "kind": "openai",
        "model": "m",
        "base_url": url,
        "api_key_env": None,
        "in_flight": IN_FLIGHT,
    }
    recipe = {
        "name": "bench",
        "instructions": [{"path": "instructions.jsonl", "licence": "cc0-1.0"}],
        "drafts": model,
        "critic": model,
        "batch_size": 32,
    }
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(recipe))  # JSON is YAML
    return path


def comparable(run: Run) -> list[dict[str, Any]]:
    """The ledger without what depends on the day."""
    varies = {"latency", "attempts", "failures"}
    return [
        {
            **row,
            "calls": [{k: v for k, v in call.items() if k not in varies} for call in row["calls"]],
        }
        for row in run.iter_rows()
    ]


def start(run: Path, recipe: Path) -> subprocess.Popen:
    given = json.dumps({"what": "build", "folder": str(run), "recipe": str(recipe)})
    command = [sys.executable, "-m", "bench.faults", "--one", given]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=ROOT, stdout=quiet, stderr=quiet)


def killed(folder: Path, rows: int, kills: int) -> None:
    draw, reply = random.Random(1), Counting({})
    same, bounds, repeated, runs, done = True, 0, 0, 0, 0
    with OpenAIServer(reply, latency=lambda: draw.expovariate(1 / 0.03)) as server:
        recipe = write_recipe(folder, server.url, rows)
        begun = time.perf_counter()
        if start(folder / "undisturbed", recipe).wait(600):
            raise RuntimeError("the undisturbed run failed")
        # Less the start of Python, about.
        serving = max(1.0, time.perf_counter() - begun - 3.0)
        expected, asked = comparable(Run(folder / "undisturbed")), len(reply.good)
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
                raise RuntimeError(f"a run that was killed does not continue: {child.returncode}")
            same = same and comparable(Run(run)) == expected and len(reply.good) == asked
            repeated += reply.repeated
    header = ["", "rows", "calls", "runs", "kills", "asked again", "slots"]
    line = ["stage 1", rows, asked, runs, done, repeated, bounds]
    show("kill -9 at random moments", header, [line])
    verdict("runs that differ from the undisturbed one", 0.0 if same else 1.0, "0", same)
    verdict("calls repeated per kill", repeated / done, f"<= {IN_FLIGHT}", repeated <= bounds)


def _kill_at(child: subprocess.Popen, server: OpenAIServer, before: int, moment: float) -> bool:
    """Kill the child so many seconds after its first request; False if it ended before."""
    while child.poll() is None and len(server.requests) == before:
        time.sleep(0.01)
    try:
        child.wait(moment)
        return False
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        # The server needs a moment to see that nobody listens any more.
        time.sleep(0.2)
        return True


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=20_000, help="of the failing endpoint")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--built", type=int, default=1000, help="rows of each run that is killed")
    given = parser.parse_args()
    if given.one:
        return _child(given.one)
    rows, kills, built = (1000, 1, 40) if given.smoke else (given.rows, given.kills, given.built)
    failing(rows)
    with tempfile.TemporaryDirectory() as folder:
        killed(Path(folder), built, kills)
    return None


if __name__ == "__main__":
    main()

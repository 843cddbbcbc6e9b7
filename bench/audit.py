"""Does an audit refuse, pass and abstain as often as its formulas say?

    python -m bench.audit [--smoke]
    python -m bench.audit --embedded SET [--model CHECKPOINT] [--scores expected]

The last line measures only how long an audit of 200 pairs of that set takes: of the embedded model,
or of a checkpoint that was trained from it.

Simulated: audits of n pairs, a quarter of which flips, with a true change of agreement. Measured:
how often the verdict is fell, not worse and inconclusive; how often the fall of the paper's 7B
model (6.2 points) is found, beside the power that docs/trust.md states; how often a planted taste
of 10 points is found, and mere quality of 10 points mistaken for one, with a control judge.

And 500 pairs through an endpoint that answers after 200 ms, 50 requests in flight, each contestant
in turn:

ours    an audit's asking, with every answer in the store and on disk
plain   50 aiohttp workers that send the same requests and keep nothing
ideal   50 workers without any overhead

The whole command is timed too: to its first request, from there to the last answer, to its end.

Claims: the power is within 2 points of the table, a false alarm comes in at most 6% of audits
without a change, a planted taste is found in at least 80% of 100 audits and quality called taste in
at most 10% (5% on average), and asking is at least 95% as fast as plain, and 90% of the ideal on an
idle machine.
"""

import asyncio
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import numpy as np

from bench.common import options, show, verdict
from builders.audit.freeze import freeze_file
from builders.audit.frozen import open_set
from builders.audit.statistics.bias import bias
from builders.audit.statistics.paired import compare
from builders.rows import Row
from pipelines import dag
from pipelines.asking.session import Session
from pipelines.audit.ask import questions, scores_asked
from pipelines.audit.judges import AskedModel, Scores
from pipelines.audit.run import AuditRequest, run_audit
from pipelines.audit.tasks import score_task
from pipelines.llms.factory import make_llm
from pipelines.llms.store import CompletionStore
from pipelines.recipe.execution import ExecutionSettings
from pipelines.recipe.models import OpenAIModel
from tests.openai_server import OpenAIServer, critic, server_process

FLIPPING = 0.25
CHANGES = (0.0, -0.02, -0.05, -0.10)
SIZES = (100, 200, 500)
# docs/trust.md: how often a fall of 6.2 points is found.
POWER = {100: 0.339, 200: 0.545, 500: 0.874, 1000: 0.990}
LATENCY, IN_FLIGHT = 0.2, 50
# How often both contestants ask: other work on the machine hits one of them at a time.
ROUNDS = 3


def verdicts(pairs: int, change: float, audits: int, seed: int = 0) -> dict[str, float]:
    """The share of simulated audits with each verdict."""
    chance, clusters = np.random.default_rng(seed), np.arange(pairs)
    down, up = (FLIPPING - change) / 2, (FLIPPING + change) / 2
    counts = dict.fromkeys(("fell", "not worse", "inconclusive"), 0)
    old = np.zeros(pairs)
    for _ in range(audits):
        d = chance.choice([-1.0, 1.0, 0.0], pairs, p=[down, up, 1 - FLIPPING])
        counts[compare(d, old, clusters)["verdict"]] += 1
    return {verdict: count / audits for verdict, count in counts.items()}


def tastes(audits: int, *, favor: float, better: float, pairs: int = 1000) -> float:
    """How often a taste is reported: of a judge that prefers its own answer (B) anyway with
    `favor`, where people prefer that answer in a share `better` of the pairs."""
    found, clusters, own = 0, np.arange(pairs), np.ones(pairs)
    for seed in range(audits):
        chance = np.random.default_rng(seed)
        people = (chance.random(pairs) < better).astype(float)

        def judge(favor: float, people=people, chance=chance) -> np.ndarray:
            right = chance.random(pairs) < 0.8
            says_b = (people == 1) == right
            return np.where(says_b | (chance.random(pairs) < favor), 1.0, -1.0)

        figures = bias(judge(favor), people, own, clusters, [("control", judge(0.0))])
        found += bool(figures["found"])
    return found / audits


def ours(url: str, rows: list[Row], folder: Path) -> None:
    """An audit's asking."""
    store = CompletionStore(folder / "store.sqlite")
    asking = scores_asked(_model(url), rows, folder / "answers")
    Session({"model": asking}, ExecutionSettings(), folder, store=store).ask()
    assert all(answer["score"] for answer in asking.answers())


def plain(url: str, rows: list[Row], _: Path) -> None:
    """The same requests from a loop that does nothing else."""
    model = _model(url)
    with dag.Pipeline(name="plain"):
        task = score_task(model, make_llm(model.block))
    prompts = iter([task.format_input({**row, "answer": row["refinement"]}) for row in rows])
    answers = []

    async def work(session: aiohttp.ClientSession) -> None:
        for prompt in prompts:
            body = {"model": "m", "messages": prompt, "temperature": 0.0, "max_tokens": 512}
            async with session.post(f"{url}/chat/completions", json=body) as response:
                answers.append((await response.json())["choices"][0]["message"]["content"])

    async def run() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(work(session) for _ in range(IN_FLIGHT)))

    asyncio.run(run())
    assert len(answers) == len(rows)


def _model(url: str) -> AskedModel:
    block = OpenAIModel(
        kind="openai", model="m", base_url=url, api_key_env=None, in_flight=IN_FLIGHT
    )
    return AskedModel(block, trained=False)


def asking(rows: list[Row]) -> dict[str, list[float]]:
    """The seconds that each contestant takes, in each round."""
    seconds: dict[str, list[float]] = {"ours": [], "plain": []}
    with server_process("--latency", str(LATENCY), "--critic") as url:
        for _ in range(ROUNDS):
            for name, ask in (("ours", ours), ("plain", plain)):
                with tempfile.TemporaryDirectory() as folder:
                    started = time.monotonic()
                    ask(url, rows, Path(folder))
                    seconds[name].append(time.monotonic() - started)
    return seconds


def command(frozen: Path) -> tuple[float, float, float]:
    """Seconds of `srt audit run`: to its first request, to the last answer, to its end."""
    arrived = []

    def reply(body: dict, n: int) -> str:
        arrived.append(time.monotonic())
        return critic(body, n)

    with (
        OpenAIServer(reply, latency=LATENCY) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        model = Path(folder) / "model.yaml"
        model.write_text(json.dumps(_model(server.url).block.model_dump(mode="json")))
        arguments = [str(model), "--set", str(frozen), "--out", f"{folder}/audit"]
        arguments += ["--store", f"{folder}/store.sqlite", "--json"]
        started = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "pipelines", "audit", "run", *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ended = time.monotonic()
    answered = arrived[-1] + LATENCY
    return arrived[0] - started, answered - arrived[0], ended - answered


def freeze(folder: Path, pairs: int) -> Path:
    """A set of synthetic pairs."""
    path = folder / "pairs.jsonl"
    rows = (
        {
            "instruction": f"Say something about {number}.",
            "answer_a": f"One answer to {number}.",
            "answer_b": f"Another answer to {number}.",
            "better": "ab"[number % 2],
        }
        for number in range(pairs)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return freeze_file(path, folder / "set", license="cc0-1.0").folder


def endpoint(pairs: int) -> None:
    """Measure and print how the endpoint is used."""
    with tempfile.TemporaryDirectory() as folder:
        frozen = freeze(Path(folder), pairs)
        rows = questions(open_set(frozen).pairs, 1)
        seconds = asking(rows)
        before, asked, after = command(frozen)
    ideal = math.ceil(len(rows) / IN_FLIGHT) * LATENCY
    lines = [[name, *own, ideal / statistics.median(own)] for name, own in seconds.items()]
    show(
        f"{pairs} pairs, {len(rows):,} answers, {IN_FLIGHT} in flight at {1000 * LATENCY:.0f} ms "
        f"(ideal {ideal:.2f} s)",
        ["", *(f"round {n + 1}, s" for n in range(ROUNDS)), "share of the ideal"],
        lines,
    )
    print(
        f"\nthe whole command: {before:.2f} s to its first request, {asked:.2f} s to the last "
        f"answer, {after:.2f} s to its end ({ideal / (before + asked + after):.2f} of the ideal)\n"
    )
    pairwise = [plain / ours for ours, plain in zip(*seconds.values(), strict=True)]
    ratio = statistics.median(pairwise)
    verdict("asking beside plain, pair by pair", ratio, "at least 0.95", ratio >= 0.95)
    share = max(ideal / own for own in seconds["ours"])
    verdict("share of the ideal, the best round", share, "at least 0.9", share >= 0.9)


def embedded(frozen: Path, model: str, scores: Scores, pairs: int = 200) -> None:
    """Print how long an audit of a model in this process takes, with everything but imports."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        request = AuditRequest(model, frozen, limit=pairs, scores=scores)
        _, audit = run_audit(request, Path(folder) / "audit")
        seconds = time.monotonic() - started
    answers = audit.cost["answers"]
    print(
        f"{pairs} pairs, {answers} answers, {audit.cost['tokens_out']:,} tokens: "
        f"{seconds / 60:.1f} minutes, {answers / seconds:.2f} reviews/s"
    )


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--embedded", type=Path, help="a frozen set of at least 200 pairs")
    parser.add_argument("--model", default="embedded", help="with --embedded: a checkpoint folder")
    parser.add_argument("--scores", choices=["sampled", "expected"], default="sampled")
    arguments = parser.parse_args()
    if arguments.embedded:
        return embedded(arguments.embedded, arguments.model, arguments.scores)
    audits, tasted, pairs = (50, 4, 50) if arguments.smoke else (2000, 100, 500)
    rows = []
    for size in SIZES:
        for change in CHANGES:
            shares = verdicts(size, change, audits)
            rows.append([size, f"{100 * change:+.0f}", *(f"{x:.1%}" for x in shares.values())])
    show(
        f"{audits:,} audits each",
        ["pairs", "true change", "fell", "not worse", "inconclusive"],
        rows,
    )
    alarms = max(verdicts(size, 0.0, audits, seed=1)["fell"] for size in SIZES)
    off = 0.0
    rows = []
    for size, power in POWER.items():
        # Four times as many: 2,000 audits have a standard error of 1.1 points.
        share = verdicts(size, -0.062, 4 * audits)["fell"]
        off = max(off, abs(share - power))
        rows.append([size, f"{power:.0%}", f"{share:.1%}"])
    show("a fall of 6.2 points", ["pairs", "found by the table", "simulated"], rows)
    planted = tastes(tasted, favor=0.125, better=0.5)
    mistaken = tastes(tasted, favor=0.0, better=0.6)
    print()
    verdict("power, points off the table", 100 * off, "at most 2", off <= 0.02)
    verdict("false alarms", alarms, "at most 0.06", alarms <= 0.06)
    verdict("planted taste of 10 points found", planted, "at least 0.8", planted >= 0.8)
    verdict("quality called taste", mistaken, "at most 0.1", mistaken <= 0.1)
    endpoint(pairs)
    return None


if __name__ == "__main__":
    main()

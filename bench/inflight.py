"""Does the pipeline keep N requests in flight, regardless of latencies?

    python -m bench.inflight --in-flight 50,256

A server in its own process answers after 200 ms, or after log-normal latencies with a mean of 2 s
(the same draws for each contestant). Rows/s from the first request to the last answer of

ours    the drafting step through OpenAILLM and `dag.stream`, with the ledger written
plain   N aiohttp workers and a parquet file: what Python can do on this machine
ideal   N workers without any overhead, computed from the same latencies; this includes waiting
        for the slowest requests at the end, but no CPU time
stock   distilabel's OpenAILLM in its own Pipeline, at its default batch size (the number of
        its requests in flight), without its start-up time

Claims: ours is at least 95% of plain and 90% of ideal if server and client have enough CPU, three
times stock where latencies differ, and starts and stops in 4 s together. `start` is from the start
of the process to the first request, `stop` from the last answer to the end of the process. If plain
is far below ideal, the machine is the limit, because server and client share its cores.
"""

import asyncio
import heapq
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from bench.common import Texts, in_child, numbers, options, pipeline, show, spending, verdict
from builders.ledger.run import Run
from pipelines import dag
from pipelines.generate.steps import KeepOrDrop, LoadInstructions
from pipelines.generate.tasks import DraftTask
from pipelines.llms.endpoint.openai import OpenAILLM
from tests.openai_server import lognormal, server_process

BATCH = 64  # a recipe's default
STOCK_BATCH = 50  # stock distilabel's


def ours(folder: Path, url: str, rows: int, in_flight: int) -> dict[str, Any]:
    llm = OpenAILLM(model="m", base_url=url, api_key_env=None, in_flight=in_flight)
    source = Texts(rows, 400)
    steps = dag.load(
        pipeline(
            lambda: LoadInstructions(name="load", sources=[source], batch_size=BATCH),
            lambda: DraftTask(name="draft", llm=llm, seed=0),
            lambda: KeepOrDrop(name="verdict"),
        )
    )
    run, start = Run(folder), _age()
    with spending() as spent:
        for batch in dag.stream(steps):
            assert all(row["draft"] for row in batch)
            run.append(batch)
            ended = time.perf_counter()
    assert run.count_rows() == rows
    # The stream closes its connections at the end, which counts as part of `stop`.
    seconds = spent.seconds - (spent.ended - ended)
    return {"start": start, "seconds": seconds, "cpu": spent.cpu, "ended": ended}


def plain(folder: Path, url: str, rows: int, in_flight: int) -> dict[str, Any]:
    async def work(session: aiohttp.ClientSession, todo: Any, done: list[dict]) -> None:
        for text in todo:
            messages = [{"role": "user", "content": text.instruction}]
            body = {"model": "m", "messages": messages, "temperature": 0.0, "max_tokens": 512}
            async with session.post(f"{url}/chat/completions", json=body) as response:
                reply = await response.json()
            draft = reply["choices"][0]["message"]["content"]
            done.append({"instruction": text.instruction, "draft": draft})

    async def run() -> list[dict]:
        todo, done = Texts(rows, 400).records(), []
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(work(session, todo, done) for _ in range(in_flight)))
        return done

    start = _age()
    with spending() as spent:
        done = asyncio.run(run())
        pq.write_table(pa.Table.from_pylist(done), folder / "drafts.parquet", compression="zstd")
    assert len(done) == rows
    return {"start": start, **vars(spent)}


def stock(folder: Path, url: str, rows: int, in_flight: int) -> dict[str, Any]:
    from distilabel.models import OpenAILLM as StockLLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import TextGeneration

    assert in_flight == STOCK_BATCH
    data = [{"instruction": text.instruction} for text in Texts(rows, 400).records()]
    start = _age()
    with spending() as spent:
        with Pipeline(name="stock", cache_dir=folder) as chain:
            llm = StockLLM(model="m", base_url=url, api_key="none")
            LoadDataFromDicts(data=data) >> TextGeneration(llm=llm)
        output = chain.run(use_cache=False)["default"]["train"]
    assert sum(text is not None for text in output["generation"]) == rows
    return {"start": start, **vars(spent)}


def ideal(latencies: list[float], in_flight: int) -> float:
    """Seconds that N workers take for these latencies, each taking the next row when free."""
    free = [0.0] * in_flight
    for latency in latencies:
        heapq.heappush(free, heapq.heappop(free) + latency)
    return max(free)


def _age() -> float:
    return time.time() - psutil.Process().create_time()


def _child(task: str) -> None:
    what, *rest = json.loads(task).values()
    with tempfile.TemporaryDirectory() as folder:
        facts = {"ours": ours, "plain": plain, "stock": stock}[what](Path(folder), *rest)
    print(json.dumps(facts), flush=True)


def measure(what: str, latency: list[str], rows: int, in_flight: int) -> dict[str, Any]:
    """One measurement in its own process, with its own server."""
    with server_process(*latency) as url:
        task = {"what": what, "url": url, "rows": rows, "in_flight": in_flight}
        facts = in_child("bench.inflight", task).facts
    # perf_counter is the system's monotonic clock, which parent and child share.
    return facts | {"stop": time.perf_counter() - facts["ended"], "rows": rows}


def compare(name: str, mean: float, in_flight: int, rows: int, rival: float | None) -> list[Any]:
    """A row of the table; `rival` is stock's rows/s."""
    latency = ["--latency", str(mean)] + (["--lognormal"] if name == "log-normal" else [])
    draw = lognormal(mean) if name == "log-normal" else lambda: mean
    best = rows / ideal([draw() for _ in range(rows)], in_flight)
    mine = measure("ours", latency, rows, in_flight)
    rate = rows / mine["seconds"]
    theirs = measure("plain", latency, rows, in_flight)
    loop = rows / theirs["seconds"]
    cpu = [facts["cpu"] / rows * 1e6 for facts in (mine, theirs)]
    ratios = rate / loop, rate / best, rate / rival if rival else None
    rates = rate, loop, best, rival
    return [f"{name} {mean} s", in_flight, rows, *rates, *cpu, *ratios, mine["start"], mine["stop"]]


def stock_rate(name: str, mean: float, rows: int) -> float:
    latency = ["--latency", str(mean)] + (["--lognormal"] if name == "log-normal" else [])
    start = measure("stock", ["--latency", "0"], 1, STOCK_BATCH)["seconds"]
    return rows / (measure("stock", latency, rows, STOCK_BATCH)["seconds"] - start)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--in-flight", type=numbers, default=[50, 256])
    parser.add_argument(
        "--rows", type=int, help="rows of every run; by default enough for 8 or 16 s"
    )
    arguments = parser.parse_args()
    if arguments.one:
        return _child(arguments.one)
    kinds = [("fixed", 0.2), ("log-normal", 2.0)]
    if arguments.smoke:
        kinds, arguments.in_flight, arguments.rows = [("fixed", 0.05)], [50], 200
    table = []
    for name, mean in kinds:
        rival = None if arguments.smoke else stock_rate(name, mean, int(8 * STOCK_BATCH / mean / 3))
        for in_flight in arguments.in_flight:
            rows = arguments.rows or int((16 if mean > 1 else 8) * in_flight / mean)
            table.append(compare(name, mean, in_flight, rows, rival))
    header = ["latency", "N", "rows", "ours/s", "plain/s", "ideal/s", "stock/s"]
    header += ["ours µs CPU", "plain µs CPU", "/plain", "/ideal", "/stock", "start s", "stop s"]
    show("One model call for each row", header, table)
    print()
    for name, in_flight, *_, to_plain, to_ideal, to_stock, start, stop in table:
        uneven = name.startswith("log-normal")
        name = f"{name}, N = {in_flight}"
        verdict(f"{name}: ours / plain", to_plain, ">= 0.95", to_plain >= 0.95)
        verdict(f"{name}: ours / ideal", to_ideal, ">= 0.90", to_ideal >= 0.9)
        if to_stock and uneven:
            verdict(f"{name}: ours / stock", to_stock, ">= 3", to_stock >= 3)
        verdict(f"{name}: start + stop", start + stop, "<= 4 s", start + stop <= 4)
    return None


if __name__ == "__main__":
    main()

"""The framework's cost per row, with a model that answers instantly.

    python -m bench.overhead --rows 1000,10000,50000,100000

Claims: at least 5,000 rows/s at any batch size; the cost per row at 100,000 rows is at most 1.2
times that at 10,000; ten times the speed of stock distilabel at its batch size of 50; and less than
1.5 GB of memory at 100,000 rows of 3 kB.

ours: load -> draft -> verdict through `dag.stream`, each batch appended to the ledger (validated,
zstd parquet, fsync). stock: distilabel's own Pipeline.run with LoadDataFromDicts and
TextGeneration, minus the seconds of a run with one row. plain: a coroutine per row behind a
semaphore and one parquet file per batch: no validation, no provenance, three columns. µs/row is
the CPU time of all processes. Compare the ratios; absolute times depend on the machine.

The second part runs all of stage 1 (draft, critique, two scores, filters) with prepared replies:
the cost per row and step if the model costs nothing.
"""

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from bench.common import Texts, in_child, numbers, options, pipeline, prose, show, spending, verdict
from builders.ledger.run import Run
from pipelines import dag
from pipelines.generate.steps import KeepOrDrop, LoadInstructions
from pipelines.generate.tasks import CritiqueTask, DraftTask, ScoreTask
from pipelines.llms.base import ChatLLM
from pipelines.llms.messages import Completion, Request
from tests import reply_bank

BATCHES = (50, 500)
_HEADER = ("", "rows", "batch", "rows/s", "µs CPU/row", "peak MB")
ANSWER = prose(1, 1500)


class InstantLLM(ChatLLM):
    """Writes drafts, critiques and scores instantly."""

    endpoint: ClassVar[str] = "bench"

    def _complete(self, requests: Sequence[Request]) -> list[Completion]:
        return [
            Completion(_reply(request.messages[-1]["content"], request.seed), 400, 400, "stop")
            for request in requests
        ]


def _reply(prompt: str, seed: int) -> str:
    if "### Requirements" not in prompt:
        return ANSWER
    return _replies("### Improved Response" in prompt)[seed % 64]


@cache
def _replies(refined: bool) -> list[str]:
    return [reply_bank.good("instruction", ANSWER, n, refined) for n in range(64)]


def _steps(rows: int, batch: int, whole: bool) -> list[Any]:
    llm = InstantLLM(model="instant")
    tasks = [("critique", CritiqueTask), ("score", ScoreTask)] if whole else []
    return dag.load(
        pipeline(
            lambda: LoadInstructions(name="load", sources=[Texts(rows)], batch_size=batch),
            lambda: DraftTask(name="draft", llm=llm, seed=0),
            *(
                lambda name=name, task=task: task(name=name, llm=llm, seed=0)
                for name, task in tasks
            ),
            lambda: KeepOrDrop(name="verdict"),
        )
    )


def ours(folder: Path, rows: int, batch: int, whole: bool = False) -> dict[str, Any]:
    run = Run(folder)
    with spending() as spent:
        for done in dag.stream(_steps(rows, batch, whole)):
            run.append(done)
    assert run.count_rows() == rows
    if whole:
        kept = sum(row["status"] == "kept" for row in run.iter_rows(["status"]))
        assert kept > rows / 3
    return vars(spent)


def by_step(folder: Path, rows: int, batch: int) -> dict[str, float]:
    """Microseconds per row of each step, run one after another without threads."""
    generator, *steps = _steps(rows, batch, whole=True)
    run, spent = Run(folder), Counter()
    clock = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal clock
        spent[name] += (now := time.perf_counter()) - clock
        clock = now

    for done, _ in generator.process_applying_mappings():
        lap("load")
        for step in steps:
            done = next(dag.process_of(step)(done))
            lap(step.name)
        run.append(done)
        lap("ledger")
    return {name: seconds / rows * 1e6 for name, seconds in spent.items()}


def plain(folder: Path, rows: int, batch: int) -> dict[str, Any]:
    async def draft(row: dict[str, Any], slots: asyncio.Semaphore) -> None:
        async with slots:
            await asyncio.sleep(0)
            row["draft"] = ANSWER

    async def run() -> None:
        slots = asyncio.Semaphore(batch)
        texts = Texts(rows).records()
        for start in range(0, rows, batch):
            done = [
                {"id": str(start + n), "instruction": next(texts).instruction}
                for n in range(min(batch, rows - start))
            ]
            await asyncio.gather(*(draft(row, slots) for row in done))
            part = folder / f"{start:08d}.parquet"
            pq.write_table(pa.Table.from_pylist(done), part, compression="zstd")

    with spending() as spent:
        asyncio.run(run())
    return vars(spent)


def stock(folder: Path, rows: int, batch: int) -> dict[str, Any]:
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import TextGeneration

    data = [{"instruction": text.instruction} for text in Texts(rows).records()]
    with spending() as spent:
        with Pipeline(name="stock", cache_dir=folder) as chain:
            load = LoadDataFromDicts(data=data, batch_size=batch)
            load >> TextGeneration(llm=InstantLLM(model="instant"), input_batch_size=batch)
        output = chain.run(use_cache=False)
    assert len(output["default"]["train"]) == rows
    return vars(spent)


def measure(what: str, rows: int, batch: int) -> dict[str, Any]:
    """One measurement in its own process: rows, seconds, CPU and peak memory."""
    child = in_child("bench.overhead", {"what": what, "rows": rows, "batch": batch})
    return {"rows": rows, "batch": batch, "peak": child.peak, **child.facts}


def _child(task: str) -> None:
    what, rows, batch = json.loads(task).values()
    kinds = {"ours": ours, "plain": plain, "stock": stock, "by_step": by_step}
    with tempfile.TemporaryDirectory() as folder:
        if what == "whole":
            facts = ours(Path(folder), rows, batch, whole=True)
        else:
            facts = kinds[what](Path(folder), rows, batch)
    print(json.dumps(facts), flush=True)


def _line(name: str, measured: dict[str, Any]) -> list[Any]:
    rows = measured["rows"]
    return [
        name,
        rows,
        measured["batch"],
        rows / measured["seconds"],
        measured["cpu"] / rows * 1e6,
        measured["peak"] / 1e6,
    ]


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--rows", type=numbers, default=[1000, 10_000, 50_000, 100_000])
    parser.add_argument(
        "--stock", type=numbers, default=[1000, 10_000], help="rows for stock; 0 for none"
    )
    arguments = parser.parse_args()
    if arguments.one:
        return _child(arguments.one)
    batches = BATCHES
    if arguments.smoke:
        arguments.rows, arguments.stock, batches = [200], [200], BATCHES[:1]
    measured = {
        (what, rows, batch): measure(what, rows, batch)
        for rows in arguments.rows
        for batch in batches
        for what in ("ours", "plain")
    }
    if arguments.stock != [0]:
        start = {"seconds": 0.0, "cpu": 0.0} if arguments.smoke else measure("stock", 1, 50)
        for rows in arguments.stock:
            stock_run = measured["stock", rows, 50] = measure("stock", rows, 50)
            stock_run["seconds"] -= start["seconds"]
            stock_run["cpu"] -= start["cpu"]
    lines = [_line(what, facts) for (what, *_), facts in sorted(measured.items())]
    show("One task, a model that answers instantly", _HEADER, lines)
    _verdicts(measured, batches)
    _whole(min(arguments.rows[-1], 10_000), batches)
    return None


def _verdicts(measured: dict[tuple[str, int, int], dict[str, Any]], batches: Sequence[int]) -> None:
    print()
    speed = {key: facts["rows"] / facts["seconds"] for key, facts in measured.items()}
    most = max(rows for _, rows, _ in measured)
    for batch in batches:
        value = speed["ours", most, batch]
        verdict(f"rows/s, {most} rows in batches of {batch}", value, ">= 5,000", value >= 5000)
        if {("ours", 100_000, batch), ("ours", 10_000, batch)} <= measured.keys():
            value = speed["ours", 10_000, batch] / speed["ours", 100_000, batch]
            verdict(f"a row at 100,000 / at 10,000, batch {batch}", value, "<= 1.2", value <= 1.2)
    for (what, rows, batch), value in speed.items():
        if what == "stock" and ("ours", rows, batch) in speed:
            value = speed["ours", rows, batch] / value
            verdict(f"ours / stock, {rows} rows in batches of {batch}", value, ">= 10", value >= 10)
    peak = max(facts["peak"] for (what, *_), facts in measured.items() if what == "ours") / 1e9
    verdict(f"peak GB at {most} rows", peak, "< 1.5", peak < 1.5)


def _whole(rows: int, batches: Sequence[int]) -> None:
    lines = [_line("stage 1", measure("whole", rows, batch)) for batch in batches]
    show("All of stage 1, with prepared replies", _HEADER, lines)
    steps = in_child("bench.overhead", {"what": "by_step", "rows": rows, "batch": 500}).facts
    total = sum(steps.values())
    shares = [[name, value, value / total * 100] for name, value in steps.items()]
    show("Cost by step (batches of 500)", ["", "µs/row", "%"], shares)


if __name__ == "__main__":
    main()

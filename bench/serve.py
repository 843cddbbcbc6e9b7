"""The server of refinements, compared with calling the pipeline directly; its latency and memory.

Both draft, criticize and refine the same instructions with the same model, greedily and with the
same limits: the server for 16 clients who each wait for an answer before they ask again, in a
process of its own, as `srt serve model`; the pipeline with as many rows at once, and with the 32
of `srt evaluate`, which 16 clients cannot fill. The embedded model is asked as a trained
checkpoint is.

    python -m bench.serve [--model CHECKPOINT] [--only throughput|stream|memory]
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.common import ROOT, in_child, options, show, verdict
from builders.verifiable import generate

_CLIENTS = 16
_BATCH = 32


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--model", help="a checkpoint folder in place of the embedded model")
    parser.add_argument("--only", choices=_PARTS, help="one of the measurements")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(_pipeline(**json.loads(arguments.one))))
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, part in _PARTS.items():
            if arguments.only in (None, name):
                part(Path(folder), arguments.model, arguments.smoke)


def _throughput(folder: Path, model: str | None, small: bool) -> None:
    count, limit = (4, 8) if small else (64, 128)
    model = model or _trained_embedded(folder, limit)
    found = {}
    for rows in (_CLIENTS,) if small else (_CLIENTS, _BATCH):
        what = {"model": model, "count": count, "limit": limit, "rows": rows}
        found[f"pipeline, {rows} rows at once"] = in_child("bench.serve", what, 3600).facts
    with _server(model, limit) as (url, _):
        found["server"] = asyncio.run(_ask_all(url, count))
    table = [
        [name, facts["answers"] / facts["seconds"], facts["tokens"] / facts["seconds"]]
        for name, facts in found.items()
    ]
    show(f"{count} refinements, {_CLIENTS} clients", ["", "answers/s", "tokens/s"], table)
    ratio = table[-1][1] / table[0][1]
    verdict(f"answers/s: server / pipeline, {_CLIENTS} at once", ratio, "≥ 0.9", ratio >= 0.9)


def _streams(folder: Path, model: str | None, small: bool) -> None:
    count, limit = (1, 8) if small else (8, 128)
    model = model or _trained_embedded(folder, limit)
    times = []
    for answer in ("draft", "refinement"):
        with _server(model, limit, "--answer", answer) as (url, _):
            found = [asyncio.run(_first_text(url)) for _ in range(count)]
        times.append([answer, *(statistics.median(column) for column in zip(*found, strict=True))])
    show("one client, a stream", ["answer", "s to the first text", "s to the end"], times)
    share = times[0][1] / times[0][2]
    verdict("first text of a draft / its end", share, "≤ 0.5", share <= 0.5)


def _memory(folder: Path, model: str | None, small: bool) -> None:
    tenth, limit = (1, 8) if small else (200, 8)
    model = model or _trained_embedded(folder, limit)
    table = []
    with _server(model, limit) as (url, pid):
        for part in range(1, 11):
            asyncio.run(_ask_all(url, tenth))
            table.append([part * tenth, psutil.Process(pid).memory_info().rss / 2**20])
            print(f"{part * tenth:,} requests, {table[-1][1]:,.0f} MB", file=sys.stderr)
    show("memory of the server", ["requests", "MB"], table)
    growth = table[-1][1] / table[0][1]
    verdict("memory at the end / after a tenth", growth, "≤ 1.05", growth <= 1.05)


_PARTS = {"throughput": _throughput, "stream": _streams, "memory": _memory}


def _trained_embedded(folder: Path, limit: int) -> str:
    path = folder / f"model-{limit}.yaml"
    block = f"kind: embedded\ntrained: true\nmax_new_tokens: {limit}\n"
    path.write_text(block, encoding="utf-8")
    return str(path)


def _instructions(count: int) -> list[str]:
    return [problem.instruction for problem in generate(5, count)]


def _pipeline(model: str, count: int, limit: int, rows: int) -> dict[str, Any]:
    """Seconds, answers and tokens of the steps of an evaluation."""
    import services.model.resources  # noqa: F401  (before torch)
    from builders.rows.schema import new_ledger_row
    from pipelines import dag
    from pipelines.evaluation.answers import answer_steps
    from pipelines.evaluation.models import model_of
    from pipelines.generate.steps import LoadRows
    from pipelines.llms.factory import Models

    asked_for = [
        new_ledger_row(id=f"{number}", instruction=text)
        for number, text in enumerate(_instructions(count))
    ]
    asked = model_of(model, limit)
    with dag.Pipeline(name="bench") as pipeline:
        previous: Any = LoadRows(name="load", rows=asked_for, batch_size=rows)
        for step in answer_steps(asked, Models(), 0, refine=True):
            previous >> step
            previous = step
    steps = dag.load(pipeline)
    start = time.perf_counter()
    done = [row for batch in dag.stream(steps) for row in batch]
    seconds = time.perf_counter() - start
    tokens = sum(call["tokens_out"] for row in done for call in row["calls"])
    return {"seconds": seconds, "answers": len(done), "tokens": tokens}


@contextmanager
def _server(model: str, limit: int, *options: str) -> Iterator[tuple[str, int]]:
    """The address and the process of `srt serve model`."""
    command = [sys.executable, "-m", "pipelines", "serve", "model", model, "--port", "0", *options]
    with subprocess.Popen(
        [*command, "--max-new-tokens", str(limit)],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process.stdout.readline().split()[1], process.pid
        finally:
            process.terminate()


async def _ask_all(url: str, count: int) -> dict[str, Any]:
    """Seconds, answers and tokens of so many requests by clients at the same time."""
    import openai

    waiting = iter(_instructions(count))
    tokens = answers = 0

    async with openai.AsyncOpenAI(base_url=url, api_key="none", timeout=3600) as client:
        (model,) = [one.id async for one in client.models.list()]

        async def ask() -> None:
            nonlocal tokens, answers
            for text in waiting:
                messages = [{"role": "user", "content": text}]
                reply = await client.chat.completions.create(model=model, messages=messages)
                tokens += reply.usage.completion_tokens
                answers += 1

        start = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(_CLIENTS)))
        return {"seconds": time.perf_counter() - start, "answers": answers, "tokens": tokens}


async def _first_text(url: str) -> tuple[float, float]:
    """Seconds until the first text of a stream, and until its end."""
    import openai

    (text,) = _instructions(1)
    async with openai.AsyncOpenAI(base_url=url, api_key="none", timeout=3600) as client:
        (model,) = [one.id async for one in client.models.list()]
        start, first = time.perf_counter(), None
        stream = await client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": text}], stream=True
        )
        async for chunk in stream:
            if first is None and chunk.choices[0].delta.content:
                first = time.perf_counter() - start
        end = time.perf_counter() - start
        return first or end, end


if __name__ == "__main__":
    main()

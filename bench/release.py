"""The cost of making a release compared with writing the same columns, and how it scales.

    python -m bench.release --sizes 10000,100000,1000000

Each measurement runs in its own process. `ours` is `srt release` for a run with that many
candidates, without the gate: hashes, splits, near-duplicates, order, configs, row validation, card
and manifest; the process has made a release of 100 rows before. `gate` is the gate's pass over the
result. `bare` is the unavoidable minimum: pyarrow reads the same ledger, then reads the finished
tables of every config, ordered and split, from memory-mapped Arrow files and writes them to parquet
with the same options and row groups, one after another on one thread. It validates nothing and
builds no text.
"""

import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.common import in_child, numbers, options, show, spending, verdict
from builders.errors import RunFailed
from builders.gate.gate import run_checks
from builders.ledger.funnel import Funnel
from builders.ledger.manifest import RunManifest
from builders.ledger.run import Run, open_complete_run
from builders.manifest import read_manifest
from builders.release.make import release_runs
from builders.release.parquet import WRITER_OPTIONS
from builders.rows.schema import SCHEMA_VERSION
from builders.settings import GateSettings

_PART_ROWS = 512
_MODEL = "example/model-7b"
_FATES = {None: 62, "margin": 14, "no_change": 9, "score_missing": 9, "draft_truncated": 6}
_VOCABULARY = [
    "".join(random.Random(number).choices("etaoinshrdlu", k=2 + number % 9))
    for number in range(4000)
]


def ledger_row(number: int) -> dict[str, Any]:
    """Candidate `number`: 60 words of instruction, 100 of draft, 150 of refinement on average."""
    draw = random.Random(number)

    def text(words: int) -> str:
        return " ".join(draw.choices(_VOCABULARY, k=draw.randint(words // 2, words * 3 // 2)))

    def critique(score: int | None) -> dict[str, Any]:
        weaknesses, suggestions = ([text(15) for _ in range(draw.randint(1, 4))] for _ in "ab")
        return {"weaknesses": weaknesses, "suggestions": suggestions, "score": score}

    (reason,) = draw.choices(list(_FATES), weights=list(_FATES.values()))
    first = draw.randint(2, 8)
    second = first - 1 if reason == "margin" else min(10, first + draw.randint(0, 3))
    critiqued = reason != "draft_truncated"
    scored = reason in (None, "margin")
    draft, refinement = text(100), text(150)
    steps = ["draft", *["critique"] * critiqued, *["score_draft", "score_refinement"] * scored]
    return {
        "id": f"{draw.getrandbits(80):020x}",
        "source": "bench",
        "license": "cc0-1.0",
        "task": None,
        "system": None,
        "history": [],
        "instruction": text(60),
        "criteria": None,
        "draft": draft,
        "critic_reply": text(260) if critiqued else None,
        "critique": critique(None if reason == "score_missing" else first) if critiqued else None,
        "refinement": (draft if reason == "no_change" else refinement) if critiqued else None,
        "draft_assessment": critique(first) if scored else None,
        "refinement_assessment": critique(second) if scored else None,
        "draft_score": first if scored else None,
        "refinement_score": second if scored else None,
        "control_scores": [],
        "status": "dropped" if reason else "kept",
        "reason": reason,
        "detail": None,
        "calls": [_call(draw, step) for step in steps],
    }


def _call(draw: random.Random, step: str) -> dict[str, Any]:
    return {
        "step": step,
        "model": _MODEL,
        "endpoint": "openai",
        "template": None if step == "draft" else "ab" * 32,
        "system": None,
        "temperature": 0.7 if step == "draft" else 0.0,
        "top_p": 1.0,
        "max_new_tokens": 2048,
        "seed": draw.getrandbits(31),
        "tokens_in": draw.randint(60, 900),
        "tokens_out": draw.randint(20, 700),
        "reasoning": None,
        "tokens_reasoning": None,
        "cost": draw.randint(1, 90) / 10_000,
        "latency": draw.randint(200, 9000) / 1000,
        "attempts": 1,
        "failures": [],
        "finish_reason": "stop",
    }


def make_run(folder: Path, size: int) -> None:
    """A complete run with that many candidates."""
    run, funnel = Run(folder), Funnel()
    folder.mkdir()
    run.recipe_path.write_text("name: bench\n")
    rows = map(ledger_row, range(size))
    while part := list(islice(rows, _PART_ROWS)):
        for row in part:
            funnel.add(row)
        run.append(part)
    run.write_manifest(
        RunManifest(
            schema_version=SCHEMA_VERSION,
            name="bench",
            stage=1,
            recipe_sha256="cd" * 32,
            seed=0,
            license="cc0-1.0",
            language=["en"],
            test_share=0.05,
            filters={},
            funnel=funnel.as_facts(),
            models=funnel.models,
            files={},
        )
    )


def ours(folder: Path) -> dict[str, Any]:
    # The imports for a process's first release do not depend on the number of rows.
    make_run(folder / "first", 100)
    first = open_complete_run(folder / "first")
    release_runs([first], name="first", version="1.0.0", out=folder / "first-out")
    with spending() as spent:
        release = release_runs(
            [open_complete_run(folder / "run")], name="bench", version="1.0.0", out=folder / "out"
        )
    size = sum(path.stat().st_size for path in release.rglob("*.parquet"))
    return {"seconds": spent.seconds, "cpu": spent.cpu, "bytes": size}


def gate(folder: Path) -> dict[str, Any]:
    release = folder / "out" / "bench@v1.0.0"
    with spending() as spent:
        run_checks(release, read_manifest(release), GateSettings(benchmarks=False))
    size = sum(path.stat().st_size for path in release.rglob("*.parquet"))
    return {"seconds": spent.seconds, "cpu": spent.cpu, "bytes": size}


def bare(folder: Path) -> dict[str, Any]:
    converted = folder / "converted"
    with spending() as spent:
        for part in Run(folder / "run").parts():
            pq.read_table(part)
        for path in sorted(converted.glob("*.arrow")):
            with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as groups:
                target = path.with_suffix(".parquet")
                with pq.ParquetWriter(target, groups.schema, **WRITER_OPTIONS) as writer:
                    for number in range(groups.num_record_batches):
                        writer.write_batch(groups.get_batch(number))
    size = sum(path.stat().st_size for path in converted.glob("*.parquet"))
    return {"seconds": spent.seconds, "cpu": spent.cpu, "bytes": size}


def convert(folder: Path) -> dict[str, Any]:
    """Convert each parquet file of the release to Arrow, with a record batch per row group."""
    (folder / "converted").mkdir()
    release = folder / "out" / "bench@v1.0.0"
    for path in sorted(release.rglob("*.parquet")):
        name = f"{path.parent.name}-{path.stem}.arrow"
        to = str(folder / "converted" / name)
        with pq.ParquetFile(path) as file, pa.ipc.new_file(to, file.schema_arrow) as writer:
            for batch in _groups(file):
                writer.write_batch(batch)
    shutil.rmtree(release)
    return {}


def _groups(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    for number in range(file.num_row_groups):
        yield from file.read_row_group(number).combine_chunks().to_batches()


_WORK = {"ours": ours, "gate": gate, "convert": convert, "bare": bare}
_SHOWN = ("ours", "gate", "bare")


def measure(size: int, at: Path | None) -> dict[str, list[Any]]:
    """A table row with rows/s, CPU and memory for each of `_SHOWN`."""
    with tempfile.TemporaryDirectory(dir=at) as name:
        folder = Path(name)
        make_run(folder / "run", size)
        measured = {
            work: in_child("bench.release", {"work": work, "folder": name}, timeout=7200)
            for work in _WORK
        }
    if abs(measured["ours"].facts["bytes"] / measured["bare"].facts["bytes"] - 1) > 0.01:
        raise RunFailed("ours and bare wrote different amounts of data")
    return {
        work: [
            work,
            size,
            size / measured[work].facts["seconds"],
            measured[work].facts["seconds"],
            measured[work].facts["cpu"] / size * 1e6,
            measured[work].peak / 2**20,
            measured[work].facts["bytes"] / 2**20,
        ]
        for work in _SHOWN
    }


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--sizes", type=numbers, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure")
    arguments = parser.parse_args()
    if arguments.one:
        what = json.loads(arguments.one)
        print(json.dumps(_WORK[what["work"]](Path(what["folder"]))))
        return
    sizes = [300] if arguments.smoke else arguments.sizes
    measured = [measure(size, arguments.folder) for size in sizes]
    header = ["", "candidates", "rows/s", "seconds", "CPU µs/row", "peak MB", "MB of parquet"]
    lines = [line for by_work in measured for line in by_work.values()]
    show("Making a release of 11 configs", header, lines)
    print()
    for size, by_work in zip(sizes, measured, strict=True):
        share = by_work["ours"][2] / by_work["bare"][2]
        verdict(f"speed at {size:,}: ours / bare pyarrow", share, ">= 0.5", share >= 0.5)
    mine = [by_work["ours"] for by_work in measured]
    growth = mine[-1][2] / mine[0][2]
    verdict("rows/s at the largest size / at the smallest", growth, ">= 0.8", growth >= 0.8)
    peak = max(measured[-1][work][5] for work in ("ours", "gate"))
    verdict("peak MB at the largest size", peak, "< 2,000", peak < 2000)


if __name__ == "__main__":
    main()

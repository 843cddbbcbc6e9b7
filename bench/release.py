"""The cost of making a release compared with writing the same columns, and how it scales.

    python -m bench.release --sizes 10000,100000,1000000

Each measurement runs in its own process. `ours` is `srt release` for a run with that many
candidates, without the gate: hashes, splits, near-duplicates, order, configs, row validation, card
and manifest; the process has made a release of 100 rows before. `gate` is the gate's pass over the
result, and `near` the grouping of near-duplicates alone. `bare` is the unavoidable minimum: pyarrow
reads the same ledger, then reads the finished tables of every config, ordered and split, from
memory-mapped Arrow files and writes them to parquet with the same options and row groups, one after
another on one thread. It validates nothing and builds no text. Of a large release it does so with
the first share of each file, of 200,000 candidates: uncompressed, the tables of a million take
30 GB.
"""

import json
import shutil
import tempfile
from math import ceil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.common import in_child, numbers, options, show, spending, verdict
from bench.ledgers import ledger_tables
from builders.ahead import ahead, pool_or_threads
from builders.duplicates.exact import normalize
from builders.duplicates.groups import NearDuplicates, Sketched, sketched
from builders.errors import RunFailed
from builders.files.parquet import write_parquet
from builders.gate.gate import run_checks
from builders.ledger.funnel import Funnel
from builders.ledger.manifest import RunManifest
from builders.ledger.run import Run, open_complete_run
from builders.manifest import read_manifest
from builders.release.make import release_runs
from builders.release.parquet import WRITER_OPTIONS
from builders.release.runs import merged_ledger
from builders.rows.schema import SCHEMA_VERSION
from builders.settings import GateSettings

_PART_ROWS = 512
_BARE_ROWS = 200_000
# As a run writes its parts.
_PART = {"write_statistics": False, "use_dictionary": False}


def make_run(folder: Path, size: int) -> None:
    """A complete run with that many candidates."""
    run, funnel = Run(folder), Funnel()
    folder.mkdir()
    run.recipe_path.write_text("name: bench\n")
    for number, rows in enumerate(ledger_tables(size, _PART_ROWS)):
        funnel.add_table(rows)
        write_parquet(run.ledger_folder / f"part-{number:06d}.parquet", rows, **_PART)
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
    parts = Run(folder / "run").parts()
    with spending() as spent:
        for part in parts[: ceil(len(parts) * _share(folder))]:
            pq.read_table(part)
        for path in sorted(converted.glob("*.arrow")):
            with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as groups:
                target = path.with_suffix(".parquet")
                with pq.ParquetWriter(target, groups.schema, **WRITER_OPTIONS) as writer:
                    for number in range(groups.num_record_batches):
                        writer.write_batch(groups.get_batch(number))
    size = sum(path.stat().st_size for path in converted.glob("*.parquet"))
    return {"seconds": spent.seconds, "cpu": spent.cpu, "bytes": size}


def _share(folder: Path) -> float:
    """The share of a run that is enough for `bare`."""
    return min(1, _BARE_ROWS / open_complete_run(folder / "run")[1].funnel.rows)


def convert(folder: Path) -> dict[str, Any]:
    """Convert each parquet file of the release to Arrow, with a record batch per row group."""
    share = _share(folder)
    (folder / "converted").mkdir()
    release = folder / "out" / "bench@v1.0.0"
    for path in sorted(release.rglob("*.parquet")):
        name = f"{path.parent.name}-{path.stem}.arrow"
        to = str(folder / "converted" / name)
        with pq.ParquetFile(path) as file, pa.ipc.new_file(to, file.schema_arrow) as writer:
            for number in range(ceil(file.num_row_groups * share)):
                for batch in file.read_row_group(number).combine_chunks().to_batches():
                    writer.write_batch(batch)
    shutil.rmtree(release)
    return {}


def near(folder: Path) -> dict[str, Any]:
    """Group the near-duplicates among all instructions, which making a release does too."""
    ledger = merged_ledger([open_complete_run(folder / "run")])
    tables = (table for _, table in ledger.tables(["instruction"]))
    with spending() as spent, pool_or_threads(None) as pool:
        found = NearDuplicates(folder)
        for some in ahead(pool, _sketched, tables):
            found.add(some)
        groups = sum(1 for _ in found.groups())
    return {"seconds": spent.seconds, "cpu": spent.cpu, "groups": groups, "bytes": 0}


def _sketched(table: pa.Table) -> Sketched:
    texts = [normalize(text) for text in table["instruction"].to_pylist()]
    return sketched(texts, [None] * len(texts))


_WORK = {"near": near, "ours": ours, "gate": gate, "convert": convert, "bare": bare}
_SHOWN = ("ours", "gate", "near", "bare")


def measure(size: int, at: Path | None) -> dict[str, list[Any]]:
    """A table row with rows/s, CPU and memory for each of `_SHOWN`."""
    with tempfile.TemporaryDirectory(dir=at) as name:
        folder = Path(name)
        make_run(folder / "run", size)
        measured = {
            work: in_child("bench.release", {"work": work, "folder": name}, timeout=7200)
            for work in _WORK
        }
    share = measured["bare"].facts["bytes"] / measured["ours"].facts["bytes"]
    if abs(share / min(1, _BARE_ROWS / size) - 1) > 0.05:
        raise RunFailed("ours and bare wrote different amounts of data")
    rows = {**dict.fromkeys(_SHOWN, size), "bare": round(size * share)}
    return {
        work: [
            work,
            rows[work],
            rows[work] / measured[work].facts["seconds"],
            measured[work].facts["seconds"],
            measured[work].facts["cpu"] / rows[work] * 1e6,
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
        verdict(f"speed at {size:,}: ours / bare pyarrow", share, ">= 0.7", share >= 0.7)
        speed = by_work["gate"][2]
        verdict(f"gate at {size:,}: rows/s", speed, ">= 10,000", speed >= 10_000)
    for work, most in (("ours", 2000), ("gate", 1000), ("near", 1000)):
        first, last = measured[0][work], measured[-1][work]
        growth = last[2] / first[2]
        name = f"{work}: rows/s at {last[1]:,} / at {first[1]:,}"
        verdict(name, growth, ">= 0.8", growth >= 0.8)
        verdict(f"{work}: peak MB at {last[1]:,}", last[5], f"< {most:,}", last[5] < most)


if __name__ == "__main__":
    main()

"""What the tests of releases share: releases made of rows in one line, and read back."""

import json
from pathlib import Path

import pyarrow.parquet as pq

from builders.release.make import release_runs
from tests.ledger_rows import make_run

SPLITS = ("train", "test")


def release_of(out: Path, *runs, version="1.0.0", facts=None, **settings):
    """A release in `out` of runs of these rows, each with the manifest's `facts`."""
    count = len(list(out.glob("run-*")))
    made = [
        make_run(out / f"run-{count + number}", rows, name=f"run {number}", **(facts or {}))
        for number, rows in enumerate(runs)
    ]
    return release_runs(made, name="tiny", version=version, out=out / "releases", **settings)


def read(release, config, split):
    files = sorted((release / config).glob(f"{split}-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def ids(release, config="ledger", split="train"):
    return [row["id"] for row in read(release, config, split)]


def all_rows(release, config="ledger"):
    return [row for split in SPLITS for row in read(release, config, split)]


def manifest_of(release):
    return json.loads((release / "manifest.json").read_text(encoding="utf-8"))


def parquet_bytes(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")
    }

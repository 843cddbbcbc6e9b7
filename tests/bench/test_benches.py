import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "name",
    [
        "audit",
        "evaluate",
        "faults",
        "generate",
        "hostile",
        "inflight",
        "kills",
        "overhead",
        "publish",
        "release",
        "serve",
        "store",
        "view",
    ],
)
def test_a_bench_runs(name):
    command = [sys.executable, "-m", f"bench.{name}", "--smoke"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "target" in ended.stdout

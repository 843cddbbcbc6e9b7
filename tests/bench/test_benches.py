import re
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


def test_make_bench_measures_each_claim_of_speed_again():
    habit = subprocess.run(
        ["make", "--dry-run", "bench"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    run = re.search(r"for name in (.+); do", habit)[1].split()
    speed = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    claimed = set(re.findall(r"python -m bench\.(\w+)", speed))
    assert claimed <= set(run)
    assert [name for name in run if not (ROOT / "bench" / f"{name}.py").is_file()] == []

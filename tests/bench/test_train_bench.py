import subprocess
import sys
from pathlib import Path

from tests.tiny_model import save_tiny_model

ROOT = Path(__file__).parents[2]


def test_it_runs_on_rows_of_its_own(tmp_path):
    model = save_tiny_model(tmp_path / "tiny")
    command = [sys.executable, "-m", "bench.train", "--smoke", "--model", str(model)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "rows/s: ours / bare TRL" in ended.stdout

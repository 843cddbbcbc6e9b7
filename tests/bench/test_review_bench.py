import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("argilla")

ROOT = Path(__file__).parents[2]


def test_it_runs_on_an_existing_server(argilla_server):
    command = [sys.executable, "-m", "bench.review", "--smoke", "--url", argilla_server.url]
    env = os.environ | {"ARGILLA_API_KEY": argilla_server.api_key}
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=590)
    assert ended.returncode == 0, ended.stderr[-2000:]
    for line in ("as fast as the client: push", "push, records a second", "pull, records a second"):
        assert line in ended.stdout
    assert argilla_server.api_key not in ended.stdout + ended.stderr

"""A server ends with the process that started it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
# Starts a Hub, prints its process id, and runs until it is ended.
STARTER = """
import sys
from pathlib import Path
from tests.running_hub import running_hub
with running_hub(Path(sys.argv[1])) as hub:
    print(hub.pid, flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has the signal")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_ends_with_its_parent(tmp_path, how):
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path / "hub")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    server = psutil.Process(int(starter.stdout.readline()))
    assert server.is_running()
    starter.send_signal(how)
    starter.communicate(timeout=60)
    server.wait(timeout=60)

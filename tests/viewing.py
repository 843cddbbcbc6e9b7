"""`srt view` as a user runs it, for tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]


@contextmanager
def viewing(*arguments: object, **environment: str) -> Iterator[str]:
    """The address of the page while the command runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "pipelines", "view", *map(str, arguments), "--no-open"],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            first = process.stdout.readline()
            assert first.startswith("view: http://127.0.0.1:"), first + process.stderr.read()
            yield first.split()[1]
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")

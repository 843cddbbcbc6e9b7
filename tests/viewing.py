"""`srt view`, and other commands with a page, as a user runs them, for tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]


@contextmanager
def addressed(name: str, *words: object, **environment: str) -> Iterator[str]:
    """The address that a command of `srt` prints behind its `name`, while it runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "pipelines", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            first = process.stdout.readline()
            assert first.startswith(f"{name}: http://127.0.0.1:"), first + process.stderr.read()
            yield first.split()[1]
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def viewing(*arguments: object, **environment: str) -> AbstractContextManager[str]:
    """The address of the page while the command runs."""
    return addressed("view", "view", *arguments, "--no-open", **environment)

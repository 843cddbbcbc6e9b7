"""`srt serve` as a user runs it: a process of its own, with captured output."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
_SECONDS_TO_END = 60


@contextmanager
def served(
    what: str, *arguments: object, folder: Path, **environment: object
) -> Iterator[subprocess.Popen[str]]:
    """`srt serve WHAT` with these arguments, run in `folder`; ended on leaving."""
    added = {"PYTHONPATH": ROOT, **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines", "serve", what, *map(str, arguments)],
        env={**os.environ, **{name: str(value) for name, value in added.items()}},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        # Not killed: Argilla's server has processes of its own to end.
        process.terminate()
        try:
            process.communicate(timeout=_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def url_of(process: subprocess.Popen[str]) -> str:
    """The address in the first line, which is printed once the server accepts requests."""
    first = process.stdout.readline()
    what = process.args[4]
    assert first.startswith(f"{what}: http://127.0.0.1:"), (first, *process.communicate())
    return first.split()[1]

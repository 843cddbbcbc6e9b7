"""One of our servers as a child process, which can be stopped cleanly or killed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from builders.errors import RunFailed
from services.leash import leashed

_ROOT = Path(__file__).parents[1]
_TIMEOUT_S = 60


class DidNotStart(RunFailed):
    """The process ended before it served; the text is its last line on stderr."""


class Child:
    """`python -m MODULE FOLDER PORT ...`, whose first line of output is its URL.

    The URL, including the port, stays the same after a restart. On Linux the process ends when the
    thread that started it ends.
    """

    url = ""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """The id of the process; it may have child processes of its own."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End it with SIGKILL, like a power cut: no handler runs, nothing is flushed."""
        self._end(subprocess.Popen.kill)

    def stop(self) -> None:
        """End it with SIGTERM."""
        self._end(subprocess.Popen.terminate)

    def _start(
        self, folder: Path, *others: str, env: Mapping[str, str], lines: int = 1
    ) -> Sequence[str]:
        """Start it with the environment `env`; returns the first `lines` of its output.

        Raises `DidNotStart`.
        """
        port = str(urlsplit(self.url).port or 0) if self.url else "0"
        path = os.pathsep.join(filter(None, [str(_ROOT), env.get("PYTHONPATH")]))
        # To a file: a pipe that is not read would fill up and block the server.
        with tempfile.TemporaryFile("w+", errors="replace") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - our own module and folders
                leashed([sys.executable, "-m", self._module, str(folder), port, *others]),
                env={**env, "PYTHONPATH": path},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            assert self._process.stdout is not None
            output = [self._process.stdout.readline().strip() for _ in range(lines)]
            if not output[0]:
                self.stop()
                errors.seek(0)
                error_lines = errors.read().strip().splitlines()
                reason = error_lines[-1] if error_lines else f"did not start on {folder}"
                raise DidNotStart(f"{self._module}: {reason}")
        self.url = output[0]
        return output

    def _end(self, how) -> None:
        if self._process is not None:
            how(self._process)
            self._process.communicate(timeout=_TIMEOUT_S)
            self._process = None

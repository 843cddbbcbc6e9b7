"""A server of ours as a process of its own: started, ended in order, or as by a power cut."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from services.argilla.inside.leash import leashed

_ROOT = Path(__file__).parents[1]
_PATIENCE_S = 60


class DidNotStart(Exception):
    """The process ended before it served; the text is the last line that it said, or empty."""


class Child:
    """`python -m MODULE FOLDER PORT ...`, whose first line of output is its URL.

    The URL, and with it the port, survives a restart. It does not outlive the thread that started
    it (on Linux).
    """

    url = ""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """The process that was started; it may have started others, which it watches."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End it as a power cut would: no handler runs, nothing is flushed."""
        self._end(subprocess.Popen.kill)

    def stop(self) -> None:
        """End it in order."""
        self._end(subprocess.Popen.terminate)

    def _start(
        self, folder: Path, *others: str, env: Mapping[str, str], lines: int = 1
    ) -> Sequence[str]:
        """Start it with the environment `env`; the first `lines` that it prints."""
        port = str(urlsplit(self.url).port or 0) if self.url else "0"
        path = os.pathsep.join(filter(None, [str(_ROOT), env.get("PYTHONPATH")]))
        # A file, since nobody reads while it serves, and a full pipe would hold it up.
        with tempfile.TemporaryFile("w+", errors="replace") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - our own module and folders
                leashed([sys.executable, "-m", self._module, str(folder), port, *others]),
                env={**env, "PYTHONPATH": path},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            assert self._process.stdout is not None
            said = [self._process.stdout.readline().strip() for _ in range(lines)]
            if not said[0]:
                self.stop()
                errors.seek(0)
                words = errors.read().strip().splitlines()
                raise DidNotStart(words[-1] if words else "")
        self.url = said[0]
        return said

    def _end(self, how) -> None:
        if self._process is not None:
            how(self._process)
            self._process.communicate(timeout=_PATIENCE_S)
            self._process = None

"""Argilla as a child process, for as long as a block lasts."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from services.argilla.errors import Failed

_ROOT = Path(__file__).parents[2]
_PATIENCE_S = 60


class RunningArgilla:
    """A server of `folder`, and its owner's API key; the URL survives a restart."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.cache = folder, cache
        self.url = self.api_key = ""
        self._process: subprocess.Popen[str] | None = None

    @property
    def env(self) -> dict[str, str]:
        """The environment under which Argilla's client uses this server."""
        return {"ARGILLA_API_URL": self.url, "ARGILLA_API_KEY": self.api_key}

    @property
    def pid(self) -> int:
        """The process that started the others and watches them."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, or start again on the same port. Raises `Failed` with what the child said."""
        port = str(urlsplit(self.url).port or 0) if self.url else "0"
        path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(  # noqa: S603 - our own module and folders
            [sys.executable, "-m", "services.argilla", str(self.folder), port, str(self.cache)],
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        url, key_file = (self._process.stdout.readline().strip() for _ in range(2))
        if not url:
            said = self._process.communicate()[1].strip().splitlines()
            raise Failed(said[-1] if said else f"Argilla did not start on {self.folder}")
        self.url, self.api_key = url, Path(key_file).read_text().strip()

    def kill(self) -> None:
        """End it as a power cut would: no handler runs, nothing is flushed."""
        self._end(lambda process: process.kill())

    def stop(self) -> None:
        """End it in order."""
        self._end(lambda process: process.terminate())

    def _end(self, how) -> None:
        if self._process is None:
            return
        how(self._process)
        self._process.communicate(timeout=_PATIENCE_S)
        self._process = None


@contextmanager
def running_argilla(folder: Path, cache: Path) -> Iterator[RunningArgilla]:
    """Serve `folder` on a free port while the block runs."""
    argilla = RunningArgilla(folder, cache)
    argilla.start()
    try:
        yield argilla
    finally:
        argilla.stop()

"""Argilla as a child process for the duration of a `with` block."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.child import Child


class RunningArgilla(Child):
    """A server of `folder`; `api_key` is its owner's."""

    api_key = ""

    def __init__(self, folder: Path, cache: Path) -> None:
        super().__init__("services.argilla")
        self.folder, self.cache = folder, cache

    @property
    def env(self) -> dict[str, str]:
        """The environment variables with which Argilla's client uses this server."""
        return {"ARGILLA_API_URL": self.url, "ARGILLA_API_KEY": self.api_key}

    def start(self) -> None:
        """Start, or restart on the same port. Raises `DidNotStart`."""
        _, key_file = self._start(self.folder, str(self.cache), env=os.environ, lines=2)
        self.api_key = Path(key_file).read_text().strip()


@contextmanager
def running_argilla(folder: Path, cache: Path) -> Iterator[RunningArgilla]:
    """Serve `folder` on a free port while the block runs."""
    argilla = RunningArgilla(folder, cache)
    argilla.start()
    try:
        yield argilla
    finally:
        argilla.stop()

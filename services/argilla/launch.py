"""Argilla as a child process, for as long as a block lasts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.argilla.errors import Failed
from services.child import Child, DidNotStart


class RunningArgilla(Child):
    """A server of `folder`, and its owner's API key."""

    api_key = ""

    def __init__(self, folder: Path, cache: Path) -> None:
        super().__init__("services.argilla")
        self.folder, self.cache = folder, cache

    @property
    def env(self) -> dict[str, str]:
        """The environment under which Argilla's client uses this server."""
        return {"ARGILLA_API_URL": self.url, "ARGILLA_API_KEY": self.api_key}

    def start(self) -> None:
        """Start, or start again on the same port. Raises `Failed` with what the child said."""
        try:
            _, key_file = self._start(self.folder, str(self.cache), env=os.environ, lines=2)
        except DidNotStart as error:
            raise Failed(str(error) or f"Argilla did not start on {self.folder}") from None
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

"""The embedded Hub as a child process, for as long as a block lasts."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from services.hub.errors import CannotStart

_ROOT = Path(__file__).parents[2]
_PATIENCE_S = 30


class RunningHub:
    """A server of `folder`; `url` is what goes into HF_ENDPOINT, and survives a restart."""

    def __init__(self, folder: Path, *, token: str | None, read_token: str | None) -> None:
        self.folder, self.token, self.read_token = folder, token, read_token
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    @property
    def env(self) -> dict[str, str]:
        """The environment under which the Hub's clients use this server, and never another."""
        shared = {"HF_ENDPOINT": self.url, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
        return shared | ({"HF_TOKEN": self.token} if self.token else {})

    @property
    def pid(self) -> int:
        """The process that serves."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, or start again on the same port. Raises `CannotStart` with what the child said."""
        tokens = {"SRT_HUB_TOKEN": self.token, "SRT_HUB_READ_TOKEN": self.read_token}
        env = {key: value for key, value in os.environ.items() if key not in tokens}
        path = os.pathsep.join(filter(None, [str(_ROOT), env.get("PYTHONPATH")]))
        env |= {key: value for key, value in tokens.items() if value} | {"PYTHONPATH": path}
        port = str(urlsplit(self.url).port or 0) if self.url else "0"
        self._process = subprocess.Popen(  # noqa: S603 - our own module and a folder
            [sys.executable, "-m", "services.hub", str(self.folder), port],
            env=env,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        if not said:
            self.stop()
            raise CannotStart(f"the embedded Hub did not start on {self.folder}")
        self.url = said

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
        self._process.wait(_PATIENCE_S)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None


@contextmanager
def running_hub(
    folder: Path, *, token: str | None = None, read_token: str | None = None
) -> Iterator[RunningHub]:
    """Serve `folder` on a free port while the block runs."""
    hub = RunningHub(folder, token=token, read_token=read_token)
    hub.start()
    try:
        yield hub
    finally:
        hub.stop()

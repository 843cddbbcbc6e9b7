"""The embedded Hub as a child process for the duration of a `with` block."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.child import Child


class RunningHub(Child):
    """A server of `folder`; `url` is the value for HF_ENDPOINT."""

    def __init__(self, folder: Path, *, token: str | None, read_token: str | None) -> None:
        super().__init__("services.hub")
        self.folder, self.token, self.read_token = folder, token, read_token

    @property
    def env(self) -> dict[str, str]:
        """The environment variables with which the Hub's clients use this server only."""
        shared = {"HF_ENDPOINT": self.url, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
        return shared | ({"HF_TOKEN": self.token} if self.token else {})

    def start(self) -> None:
        """Start, or restart on the same port. Raises `DidNotStart`."""
        tokens = {"SRT_HUB_TOKEN": self.token, "SRT_HUB_READ_TOKEN": self.read_token}
        env = {key: value for key, value in os.environ.items() if key not in tokens}
        env |= {key: value for key, value in tokens.items() if value}
        self._start(self.folder, env=env)


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

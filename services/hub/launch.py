"""The embedded Hub as a child process, for as long as a block lasts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.child import Child, DidNotStart
from services.hub.errors import CannotStart


class RunningHub(Child):
    """A server of `folder`; `url` is what goes into HF_ENDPOINT."""

    def __init__(self, folder: Path, *, token: str | None, read_token: str | None) -> None:
        super().__init__("services.hub")
        self.folder, self.token, self.read_token = folder, token, read_token

    @property
    def env(self) -> dict[str, str]:
        """The environment under which the Hub's clients use this server, and never another."""
        shared = {"HF_ENDPOINT": self.url, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
        return shared | ({"HF_TOKEN": self.token} if self.token else {})

    def start(self) -> None:
        """Start, or start again on the same port. Raises `CannotStart` with what the child said."""
        tokens = {"SRT_HUB_TOKEN": self.token, "SRT_HUB_READ_TOKEN": self.read_token}
        env = {key: value for key, value in os.environ.items() if key not in tokens}
        env |= {key: value for key, value in tokens.items() if value}
        try:
            self._start(self.folder, env=env)
        except DidNotStart as error:
            said = str(error) or f"the embedded Hub did not start on {self.folder}"
            raise CannotStart(said) from None


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

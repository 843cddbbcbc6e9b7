"""The three processes of a server: started on a leash, watched, and ended in order."""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from services.argilla.environment import last_words
from services.argilla.errors import Failed
from services.argilla.inside.leash import leashed

# How long a process may take to end by itself, in seconds.
_GRACE_S = 8.0


@dataclass
class Part:
    """One process, the leader of a session of its own: Ctrl-C reaches the launcher alone."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]

    def check(self) -> None:
        """Raises `Failed` with its last words if it has ended."""
        if self.process.poll() is not None:
            words = last_words(self.log.read_text(errors="replace"))
            raise Failed(f"{self.name} ended by itself: {words} (see {self.log})")

    def end(self) -> None:
        """SIGTERM, and for what is then left of its group SIGKILL."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(
    name: str, command: list[str], log: Path, cwd: Path, env: dict[str, str], *, keep: int | None
) -> Part:
    """Start a part; `keep` is a file descriptor that it inherits."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            leashed(command),
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # The database holds every user's API key as it is.
            umask=0o077,
            pass_fds=() if keep is None else (keep,),
        )
    return Part(name, log, process)


def wait_until(ready, parts: list[Part], patience: float) -> None:
    """Ask `ready()` until it is true. Raises `Failed` if a part ends, or after `patience` s."""
    deadline = time.monotonic() + patience
    while not ready():
        for part in parts:
            part.check()
        if time.monotonic() > deadline:
            raise Failed(f"{parts[-1].name} did not answer in {patience:.0f} s")
        time.sleep(0.05)

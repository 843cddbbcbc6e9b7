"""The processes of a server: started, watched, and ended together."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from builders.errors import RunFailed
from services.first_use import last_error
from services.leash import leashed

# How long a process may take to exit after SIGTERM, in seconds.
_GRACE_S = 8.0


@dataclass
class ServerProcess:
    """One process, in a session of its own so that Ctrl-C reaches only the launcher."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]

    def check(self) -> None:
        """RunFailed, with the last line of its log, if it has ended."""
        if self.process.poll() is not None:
            reason = last_error(self.log.read_text(errors="replace"))
            raise RunFailed(f"{self.name} ended unexpectedly: {reason} (see {self.log})")

    def end(self) -> None:
        """Send SIGTERM, then SIGKILL to what is left of its process group."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(
    name: str, command: list[str], log: Path, cwd: Path, env: dict[str, str], *, keep: int | None
) -> ServerProcess:
    """Start a process; `keep` is a file descriptor that it inherits."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            leashed(command),
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # The database contains every user's API key in plain text.
            umask=0o077,
            pass_fds=() if keep is None else (keep,),
        )
    return ServerProcess(name, log, process)


def wait_until(
    is_ready: Callable[[], bool], processes: list[ServerProcess], timeout: float
) -> None:
    """Poll `is_ready` until it is true; RunFailed if a process ends, or after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not is_ready():
        for process in processes:
            process.check()
        if time.monotonic() > deadline:
            raise RunFailed(f"{processes[-1].name} did not answer within {timeout:.0f} s")
        time.sleep(0.05)

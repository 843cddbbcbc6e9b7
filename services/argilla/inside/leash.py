"""`python leash.py PARENT COMMAND...`: becomes the command, which dies when its parent does.

The kernel sends SIGKILL to the process when the thread that started it has ended, however it
ended. Only Linux has this; elsewhere the command runs without a leash.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def leashed(command: Sequence[str]) -> list[str]:
    """`command`, as a child of this process that does not outlive it."""
    return [sys.executable, __file__, str(os.getpid()), *command]


def leash(parent: int) -> None:
    """End with `parent`, a process id that was ours when we were started."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # It may have ended before the kernel was asked.
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    leash(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - the launcher's own command

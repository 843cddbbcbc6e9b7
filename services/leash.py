"""`python leash.py PARENT COMMAND...`: runs the command, which is killed when its parent ends.

The kernel sends SIGKILL to the process when the thread that started it ends, for whatever reason.
Only Linux has this; elsewhere the command just runs.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def leashed(command: Sequence[str]) -> list[str]:
    """`command`, wrapped so that it ends with this process when started as its child."""
    return [sys.executable, __file__, str(os.getpid()), *command]


def leash(parent: int) -> None:
    """End this process with `parent`, the id of the process that started it."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have ended before the call.
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    leash(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - the launcher's own command

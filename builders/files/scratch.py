"""What a killed process left behind, cleared by the next one of its kind."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# A hidden file that `atomic_file`, or another writer of a whole file, had not renamed yet.
_UNFINISHED = re.compile(r"\..+\.[a-z0-9_]{8}(\.partial)?")


@contextmanager
def scratch_folder(purpose: str, parent: Path | None = None) -> Iterator[Path]:
    """A temporary folder that only this user can open, removed in the end.

    Its name has this process's id: those of processes that are gone are removed now. `parent` is
    the system's folder of temporary files unless it is given.
    """
    parent = parent or Path(tempfile.gettempdir())
    for left in parent.glob(f"srt-{purpose}-*-*"):
        _, _, rest = left.name.partition(f"srt-{purpose}-")
        pid = rest.partition("-")[0]
        if pid.isdigit() and not _runs(int(pid)) and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
    prefix = f"srt-{purpose}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(
        prefix=prefix, dir=parent, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # Another user's.
        return True
    return True


def clear_unfinished(*folders: Path) -> None:
    """Remove unfinished files directly in these folders, which nobody else may be writing."""
    for folder in folders:
        with suppress(OSError):
            for entry in os.scandir(folder):
                if entry.is_file(follow_symlinks=False) and _UNFINISHED.fullmatch(entry.name):
                    Path(entry.path).unlink(missing_ok=True)

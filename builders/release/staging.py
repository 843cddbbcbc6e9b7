"""Where a release is put together: a folder beside it that becomes the release at the end."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builders.errors import BadInput, RunFailed, reason_of
from builders.files.lock import locked_file


@contextmanager
def staging(out: Path, name: str, target: Path) -> Iterator[tuple[Path, Path]]:
    """Yield an empty folder that becomes `target` on success, and one for temporary files.

    Both are in `out/.NAME.staging`, which is removed afterwards; what a killed process left there
    is removed first. BadInput if another process is making a release of this name, RunFailed if the
    disk is full.
    """
    place = out / f".{name}.staging"
    busy = f"{place}: another process (pid {{}}) is making a release of this name"
    out.mkdir(parents=True, exist_ok=True)
    # Beside the folder and not in it: whoever gets the lock must find the folder as it leaves it.
    with locked_file(out / f".{name}.lock", busy, remove=True):
        try:
            if place.exists():
                shutil.rmtree(place)
            folder, scratch = place / "release", place / "scratch"
            folder.mkdir(parents=True)
            scratch.mkdir()
            yield folder, scratch
            if target.exists():
                raise BadInput(f"{target}: this release exists and is never changed")
            folder.rename(target)
        except OSError as error:
            raise RunFailed(f"{target}: nothing was released: {_reason(error)}") from error
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _reason(error: OSError) -> str:
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "the disk is full" if is_full else reason_of(error)

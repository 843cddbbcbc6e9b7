"""Where a release is put together: a folder beside it that becomes the release at the end."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builders.errors import BadInput, RunFailed


@contextmanager
def staging(out: Path, name: str, target: Path) -> Iterator[tuple[Path, Path]]:
    """Yield an empty folder, which becomes `target` on success, and one for temporary files.

    Both lie in `out/.NAME.staging`, which is gone afterwards, and which one process at a time
    holds for a name: what a killed one left there goes first. BadInput where another process
    holds it, RunFailed where the disk is full.
    """
    place = out / f".{name}.staging"
    out.mkdir(parents=True, exist_ok=True)
    handle = _hold(place)
    try:
        _empty(place)
        folder, scratch = place / "release", place / "scratch"
        folder.mkdir()
        scratch.mkdir()
        yield folder, scratch
        if target.exists():
            raise BadInput(f"{target}: this release exists and is never changed")
        folder.rename(target)
    except OSError as error:
        raise RunFailed(_said(target, error)) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(handle)


def _hold(place: Path) -> int:
    """Lock the folder by the operating system, which lets go of it when its process ends."""
    while True:
        place.mkdir(exist_ok=True)
        try:
            handle = os.open(place, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(handle), place.stat()):
                return handle
        except BlockingIOError:
            os.close(handle)
            raise BadInput(f"{place}: another process is making a release of this name") from None
        except FileNotFoundError:
            pass
        # Whoever held it has removed it between our opening and locking it.
        os.close(handle)


def _empty(place: Path) -> None:
    for left in place.iterdir():
        shutil.rmtree(left)


def _said(target: Path, error: OSError) -> str:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    reason = "the disk is full" if full else str(error).splitlines()[0]
    return f"{target}: nothing was released: {reason}"

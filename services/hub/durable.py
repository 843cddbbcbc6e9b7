"""Writing what has to be there, whole, after a crash."""

import os
import tempfile
from pathlib import Path


def fsync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: a rename is not until its folder is on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_folder(folder: Path) -> None:
    """Make everything below `folder` durable, files and names."""
    for inner in folder.iterdir():
        if inner.is_dir():
            flush_folder(inner)
        else:
            with inner.open("rb") as file:
                os.fsync(file.fileno())
    fsync_folder(folder)


def make_folder(folder: Path) -> None:
    """Create `folder` and those above it, each one durable in the one that holds it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    fsync_folder(folder.parent)


def write_durably(path: Path, content: bytes, scratch: Path) -> None:
    """Put `content` at `path` in one step; `scratch` is a folder on the same disk."""
    make_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=scratch)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    fsync_folder(path.parent)

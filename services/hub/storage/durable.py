"""File writes that survive a crash, completely or not at all."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from services.hub.errors import damaged


def fsync_folder(folder: Path) -> None:
    """Make the names in `folder` durable; a rename is durable only once its folder is synced."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_folder(folder: Path) -> None:
    """Make all files and names below `folder` durable."""
    for inner in folder.iterdir():
        if inner.is_dir():
            flush_folder(inner)
        else:
            with inner.open("rb") as file:
                os.fsync(file.fileno())
    fsync_folder(folder)


def make_folder(folder: Path) -> None:
    """Create `folder` and its parents, each durably."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    fsync_folder(folder.parent)


def write_durably(path: Path, content: bytes, scratch: Path) -> None:
    """Write `content` to `path` atomically; `scratch` is a folder on the same disk."""
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


def read_object_file(path: Path) -> dict[str, Any]:
    """The JSON object in a file that the server wrote; 500 with the file's name if it is none."""
    try:
        value = json.loads(path.read_bytes())
        if not isinstance(value, dict):
            raise ValueError("not a JSON object")
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, error) from None
    return value

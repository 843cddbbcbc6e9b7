"""The folder with a server's data and secrets, locked for one process."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from builders.errors import BadInput

# This file exists once the owner's password has been shown.
_SHOWN_FILE = ".told"


@dataclass(frozen=True)
class DataFolder:
    """`root` is absolute; `is_new` until the owner's password has been shown once."""

    root: Path
    password: str
    is_new: bool

    @property
    def key_file(self) -> Path:
        return self.root / "owner.key"

    @property
    def password_file(self) -> Path:
        return self.root / "owner.password"

    @property
    def scratch(self) -> Path:
        return self.root / "tmp"

    def mark_password_shown(self) -> None:
        (self.root / _SHOWN_FILE).touch()

    def log(self, name: str) -> Path:
        return self.root / "logs" / f"{name}.log"

    def secret(self, name: str) -> str:
        return (self.root / name).read_text().strip()


@contextmanager
def open_folder(root: Path) -> Iterator[DataFolder]:
    """Lock the folder for this process; BadInput if it is in use or cannot be written."""
    root = root.expanduser().absolute()
    try:
        # Argilla stores every user's API key in its database in plain text.
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(root / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise BadInput(f"{root}: another Argilla is serving this folder") from None
    except OSError as error:
        raise BadInput(f"{root}: {error.strerror or error}") from None
    try:
        yield _prepare(root)
    except OSError as error:
        raise BadInput(f"{root}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(root / "tmp", ignore_errors=True)
        lock.release()


def _prepare(root: Path) -> DataFolder:
    shutil.rmtree(root / "tmp", ignore_errors=True)
    for name in ("tmp", "logs", "redis"):
        (root / name).mkdir(exist_ok=True)
    is_new = not ((root / _SHOWN_FILE).exists() and (root / "owner.password").exists())
    # To change a secret, delete its file: the next start creates a new one.
    for name in ("owner.password", "owner.key", "session.key"):
        _ensure_secret(root / name)
    return DataFolder(root, (root / "owner.password").read_text().strip(), is_new)


def _ensure_secret(path: Path) -> None:
    if path.exists():
        return
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(24) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)

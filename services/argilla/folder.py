"""The folder that a server keeps its data in: taken for one process, with its secrets."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from services.argilla.errors import CannotStart


@dataclass(frozen=True)
class Folder:
    """Absolute; `new` says that nobody has been told the owner's password yet."""

    root: Path
    password: str
    new: bool

    @property
    def key_file(self) -> Path:
        return self.root / "owner.key"

    @property
    def password_file(self) -> Path:
        return self.root / "owner.password"

    @property
    def scratch(self) -> Path:
        return self.root / "tmp"

    def told(self) -> None:
        """From now on the password is not to be shown again."""
        (self.root / ".told").touch()

    def log(self, name: str) -> Path:
        return self.root / "logs" / f"{name}.log"

    def secret(self, name: str) -> str:
        return (self.root / name).read_text().strip()


@contextmanager
def open_folder(root: Path) -> Iterator[Folder]:
    """Take the folder for this process alone. Raises `CannotStart`."""
    root = root.expanduser().absolute()
    try:
        # Argilla keeps every user's API key in its database as it is.
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(root / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise CannotStart(f"{root}: another Argilla is serving this folder") from None
    except OSError as error:
        raise CannotStart(f"{root}: {error.strerror or error}") from None
    try:
        yield _prepared(root)
    except OSError as error:
        raise CannotStart(f"{root}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(root / "tmp", ignore_errors=True)
        lock.release()


def _prepared(root: Path) -> Folder:
    shutil.rmtree(root / "tmp", ignore_errors=True)
    for name in ("tmp", "logs", "redis"):
        (root / name).mkdir(exist_ok=True)
    new = not ((root / ".told").exists() and (root / "owner.password").exists())
    # Whoever removes a file gets a new secret at the next start.
    for name in ("owner.password", "owner.key", "session.key"):
        _ensure_secret(root / name)
    return Folder(root, (root / "owner.password").read_text().strip(), new)


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

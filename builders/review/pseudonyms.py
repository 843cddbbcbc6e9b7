"""Pseudonyms of annotators: keyed hashes of the server's user ids.

The folder that holds the reviews has one key, so that a person is one person in all of them. Each
review keeps a copy, the key that its own verdicts are under, and can be moved with it. Reviews once
had a key each: such a review's key becomes that of its project if the project has none yet, and is
otherwise replaced at the next pull, which translates the verdicts.
"""

import hmac
import os
import secrets
import tempfile
from pathlib import Path

from builders.errors import BadInput

KEY = "pseudonyms.key"


def pseudonym(key: bytes, user_id: str) -> str:
    """A user's name in the reviews of a project; only the key can link it to the user."""
    return f"a-{hmac.digest(key, user_id.encode(), 'sha256').hex()[:10]}"


def read_key(folder: Path) -> bytes:
    """The key that the review's verdicts are under; the project's, if the review has none yet."""
    path = folder / KEY
    if not path.exists():
        write_secret(path, project_key(folder).decode() + "\n")
    return _read(path)


def project_key(folder: Path) -> bytes:
    """The key of the folder that holds the review; created, from the review's own, if missing.

    Where nothing can be written beside the review, the review's own key is all there is.
    """
    path, own = folder.resolve().parent / KEY, folder / KEY
    if path.exists():
        return _read(path)
    key = _read(own) if own.exists() else secrets.token_hex(32).encode()
    try:
        _write_first(path, key.decode() + "\n")
    except PermissionError:
        return key
    return _read(path)


def existing_key(folder: Path) -> bytes | None:
    """The key that is in a review's folder, or in one that holds reviews; nothing is created."""
    path = folder / KEY
    return _read(path) if path.exists() else None


def write_key(folder: Path, key: bytes) -> None:
    """Say that the review's verdicts are under `key`."""
    write_secret(folder / KEY, key.decode() + "\n")


def write_secret(path: Path, text: str) -> None:
    """Write a file atomically that only its owner can read."""
    _partial(path, text).replace(path)


def _write_first(path: Path, text: str) -> None:
    """Like `write_secret`, unless the file exists: another process may have been first."""
    partial = _partial(path, text)
    try:
        os.link(partial, path)
    except FileExistsError:
        pass
    finally:
        partial.unlink()


def _partial(path: Path, text: str) -> Path:
    """A new file beside `path` with this text, which only its owner can read."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


def _read(path: Path) -> bytes:
    key = path.read_bytes().strip()
    if not key:
        raise BadInput(f"{path}: empty; it had the key to the pseudonyms of annotators")
    try:
        key.decode("ascii")
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not a key to pseudonyms of annotators") from None
    return key

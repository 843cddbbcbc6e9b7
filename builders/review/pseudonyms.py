"""Names for annotators that say nobody's: keyed hashes of what the server calls them."""

import hmac
import os
import secrets
from pathlib import Path

KEY = "pseudonyms.key"


def pseudonym(key: bytes, user: str) -> str:
    """The name of the server's user `user` in this review; who has the key can tell who it is."""
    return f"a-{hmac.digest(key, user.encode(), 'sha256').hex()[:10]}"


def read_key(folder: Path) -> bytes:
    """The review's key, made at random where there is none yet."""
    path = folder / KEY
    if not path.exists():
        write_secret(path, secrets.token_hex(32) + "\n")
    return path.read_text().strip().encode()


def write_secret(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, there whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)

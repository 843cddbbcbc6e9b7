"""Large files: one file per SHA-256, stored only once it is complete and verified."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.hub.errors import bad_request
from services.hub.storage.durable import fsync_folder, make_folder

# The LFS specification's limit for a pointer file; a longer blob is not a pointer.
MAX_POINTER_BYTES = 1024

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n"
    rb"oid sha256:([0-9a-f]{64})\nsize (0|[1-9][0-9]{0,17})\n"
)


@dataclass(frozen=True)
class Lfs:
    """The content of a pointer file in git: hash and size (bytes) of the large file."""

    oid: str
    size: int

    def pointer(self) -> bytes:
        """The pointer file that git stores instead of the file."""
        return (
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.oid}\nsize {self.size}\n"
        ).encode()


def read_pointer(blob: bytes) -> Lfs | None:
    """The large file that `blob` points to; None if it is an ordinary file."""
    if len(blob) > MAX_POINTER_BYTES:
        return None
    match = _POINTER.fullmatch(blob)
    return Lfs(match[1].decode(), int(match[2])) if match else None


class ObjectStore:
    """A folder of large files, named by their hash."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.root = root
        self._scratch = scratch

    def path(self, oid: str) -> Path:
        """The object's path, whether it exists or not. `oid` must be a valid SHA-256."""
        return self.root / oid[:2] / oid[2:4] / oid

    def size(self, oid: str) -> int | None:
        """The object's size in bytes; None if it is missing."""
        try:
            return self.path(oid).stat().st_size
        except FileNotFoundError:
            return None

    @contextmanager
    def receive(self, oid: str, size: int) -> Iterator["Incoming"]:
        """Receive an object in pieces; `keep` stores it if `oid` and `size` match."""
        handle, name = tempfile.mkstemp(dir=self._scratch)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield Incoming(self, file, temporary, oid, size)
        finally:
            temporary.unlink(missing_ok=True)


class Incoming:
    """An object that is being uploaded."""

    def __init__(self, store: ObjectStore, file, temporary: Path, oid: str, size: int) -> None:
        self._store, self._file, self._temporary = store, file, temporary
        self._oid, self._size = oid, size
        self._hash = hashlib.sha256()
        self._received = 0

    def write(self, piece: bytes) -> None:
        """Append the next bytes; 400 if there are more than announced."""
        self._received += len(piece)
        if self._received > self._size:
            raise bad_request(f"received more than the announced {self._size} bytes")
        self._hash.update(piece)
        self._file.write(piece)

    def keep(self) -> None:
        """Verify the object and move it into place, synced to disk before the rename."""
        if self._received != self._size:
            raise bad_request(f"received {self._received} of the announced {self._size} bytes")
        if self._hash.hexdigest() != self._oid:
            raise bad_request(f"the content's SHA-256 is {self._hash.hexdigest()}, not {self._oid}")
        self._file.flush()
        os.fsync(self._file.fileno())
        target = self._store.path(self._oid)
        make_folder(target.parent)
        self._temporary.replace(target)
        fsync_folder(target.parent)

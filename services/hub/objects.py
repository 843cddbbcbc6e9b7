"""Large files: one file per SHA-256, there whole and verified or not at all."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.hub.durable import fsync_folder, make_folder
from services.hub.errors import bad_request

# The specification's limit for a pointer file; a longer blob is never read as one.
MAX_POINTER_BYTES = 1024

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n"
    rb"oid sha256:([0-9a-f]{64})\nsize (0|[1-9][0-9]{0,17})\n"
)


@dataclass(frozen=True)
class Lfs:
    """What a pointer file in git says of the large file that it stands for; sizes in bytes."""

    oid: str
    size: int

    def pointer(self) -> bytes:
        """The text that git keeps in the file's place."""
        return (
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.oid}\nsize {self.size}\n"
        ).encode()


def read_pointer(blob: bytes) -> Lfs | None:
    """The large file that `blob` points to, or None where it is an ordinary file."""
    if len(blob) > MAX_POINTER_BYTES:
        return None
    match = _POINTER.fullmatch(blob)
    return Lfs(match[1].decode(), int(match[2])) if match else None


class ObjectStore:
    """A folder of large files, named by their content."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.root = root
        self._scratch = scratch

    def path(self, oid: str) -> Path:
        """Where the object is, or would be. `oid` has been checked to be a SHA-256."""
        return self.root / oid[:2] / oid[2:4] / oid

    def size(self, oid: str) -> int | None:
        """The object's size in bytes, or None where there is no such object."""
        try:
            return self.path(oid).stat().st_size
        except FileNotFoundError:
            return None

    @contextmanager
    def receive(self, oid: str, size: int) -> Iterator["Incoming"]:
        """Take in an object piece by piece; it is kept if it is what `oid` and `size` say."""
        handle, name = tempfile.mkstemp(dir=self._scratch)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield Incoming(self, file, temporary, oid, size)
        finally:
            temporary.unlink(missing_ok=True)


class Incoming:
    """An object on its way in."""

    def __init__(self, store: ObjectStore, file, temporary: Path, oid: str, size: int) -> None:
        self._store, self._file, self._temporary = store, file, temporary
        self._oid, self._size = oid, size
        self._hash = hashlib.sha256()
        self._received = 0

    def write(self, piece: bytes) -> None:
        """Take the next bytes; a refusal once there are more than were announced."""
        self._received += len(piece)
        if self._received > self._size:
            raise bad_request(f"more than the announced {self._size} bytes arrived")
        self._hash.update(piece)
        self._file.write(piece)

    def keep(self) -> None:
        """Verify the whole and put it in its place, on the disk before it has its name."""
        if self._received != self._size:
            raise bad_request(f"{self._received} bytes arrived of the announced {self._size}")
        if self._hash.hexdigest() != self._oid:
            raise bad_request(f"the content's SHA-256 is {self._hash.hexdigest()}, not {self._oid}")
        self._file.flush()
        os.fsync(self._file.fileno())
        target = self._store.path(self._oid)
        make_folder(target.parent)
        self._temporary.replace(target)
        fsync_folder(target.parent)

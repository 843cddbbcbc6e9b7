"""The lines of a commit request: untrusted text in, checked operations out."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from services.hub.errors import HubError, bad_request
from services.hub.fields import read_object, sha256_field, size_field, text_field
from services.hub.names import check_path
from services.hub.storage.objects import Lfs

# The largest file that goes into git itself, as on the Hub; clients must use LFS above it.
MAX_REGULAR_BYTES = 10 * 1024 * 1024
# One line of a commit: a file of that size in base64, plus its path.
MAX_LINE_BYTES = MAX_REGULAR_BYTES * 4 // 3 + 64 * 1024
MAX_OPERATIONS = 100_000
# The Hub's clients send at least seven digits of the parent.
_MIN_PARENT = 7


@dataclass(frozen=True)
class CommitHeader:
    """The commit itself. `parent` is a commit id, a prefix of one, or None."""

    summary: str
    description: str
    parent: str | None

    @property
    def message(self) -> bytes:
        text = f"{self.summary}\n\n{self.description}" if self.description else self.summary
        return text.encode()


@dataclass(frozen=True)
class AddFile:
    """A regular file to add."""

    path: str
    content: bytes


@dataclass(frozen=True)
class AddLfs:
    """An uploaded LFS object to add; `size` is None if the client did not send it."""

    path: str
    oid: str
    size: int | None

    def lfs(self, stored_size: int | None) -> Lfs:
        """The large file to point to; 422 if it is not stored (size None) or has another size."""
        if stored_size is None:
            raise HubError(422, f"{self.path}: the LFS object {self.oid} has not been uploaded")
        if self.size not in (None, stored_size):
            raise HubError(
                422, f"{self.path}: LFS object {self.oid} has {stored_size} bytes, not {self.size}"
            )
        return Lfs(self.oid, stored_size)


@dataclass(frozen=True)
class Delete:
    """A file or a folder to delete."""

    path: str
    is_folder: bool


CommitOperation = AddFile | AddLfs | Delete


def read_header(line: bytes) -> CommitHeader:
    """The first line of a commit."""
    key, value = _read_line(line)
    if key != "header":
        raise bad_request("the first line of a commit must be its header")
    summary = text_field(value, "summary")
    if not summary.strip():
        raise bad_request("a commit needs a summary")
    parent = value.get("parentCommit")
    if parent is not None and not _is_parent(parent):
        raise bad_request(f"'parentCommit' is not a commit id: {parent!r:.80}")
    return CommitHeader(summary, text_field(value, "description", ""), parent)


def read_operation(line: bytes) -> CommitOperation:
    """Any later line of a commit."""
    key, value = _read_line(line)
    if key not in ("file", "lfsFile", "deletedFile", "deletedFolder"):
        raise bad_request(f"unknown commit operation {key!r:.80}")
    path = text_field(value, "path")
    if key == "deletedFolder":
        return Delete(check_path(path.rstrip("/")), is_folder=True)
    check_path(path)
    if key == "deletedFile":
        return Delete(path, is_folder=False)
    if key == "lfsFile":
        if text_field(value, "algo", "sha256") != "sha256":
            raise bad_request(f"{path}: LFS objects are identified by sha256")
        size = size_field(value) if "size" in value else None
        return AddLfs(path, sha256_field(value), size)
    return AddFile(path, _content(path, value))


def _read_line(line: bytes) -> tuple[str, dict[str, Any]]:
    item = read_object(line)
    value = item.get("value")
    if not isinstance(value, dict):
        raise bad_request("each line of a commit needs a 'key' and an object 'value'")
    return text_field(item, "key"), value


def _is_parent(parent: Any) -> bool:
    return (
        isinstance(parent, str)
        and _MIN_PARENT <= len(parent) <= 40
        and all(digit in "0123456789abcdef" for digit in parent)
    )


def _content(path: str, value: dict[str, Any]) -> bytes:
    encoding, content = text_field(value, "encoding", "utf-8"), text_field(value, "content")
    if encoding == "base64":
        try:
            decoded = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            raise bad_request(f"{path}: the content is not base64") from None
    elif encoding == "utf-8":
        decoded = content.encode()
    else:
        raise bad_request(f"{path}: the encoding must be base64 or utf-8, not {encoding!r:.40}")
    if len(decoded) > MAX_REGULAR_BYTES:
        raise HubError(413, f"{path}: over {MAX_REGULAR_BYTES} bytes; upload it with LFS")
    return decoded

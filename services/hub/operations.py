"""What a commit request says, read line by line: untrusted text in, checked values out."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import orjson

from services.hub.errors import HubError, bad_request
from services.hub.names import check_path, is_sha256
from services.hub.objects import Lfs

# A file that goes into git itself; the Hub's own limit, above which clients must use LFS.
MAX_REGULAR_BYTES = 10 * 1024 * 1024
# One line of a commit: such a file in base64, with room for its path.
MAX_LINE_BYTES = MAX_REGULAR_BYTES * 4 // 3 + 64 * 1024
MAX_OPERATIONS = 100_000
# The Hub's clients send at least seven digits of the parent.
_MIN_PARENT = 7


@dataclass(frozen=True)
class Header:
    """The commit itself. `parent` is a commit id or the beginning of one, or None."""

    summary: str
    description: str
    parent: str | None

    @property
    def message(self) -> bytes:
        text = f"{self.summary}\n\n{self.description}" if self.description else self.summary
        return text.encode()


@dataclass(frozen=True)
class AddFile:
    """A file with its content."""

    path: str
    content: bytes


@dataclass(frozen=True)
class AddLfs:
    """A large file that has been uploaded; `size` is None where the client did not say it."""

    path: str
    oid: str
    size: int | None

    def checked(self, stored: int | None) -> Lfs:
        """The pointer to write, given the size of the stored object (None: there is none)."""
        if stored is None:
            raise HubError(422, f"{self.path}: the LFS object {self.oid} has not been uploaded")
        if self.size not in (None, stored):
            raise HubError(
                422, f"{self.path}: LFS object {self.oid} has {stored} bytes, not {self.size}"
            )
        return Lfs(self.oid, stored)


@dataclass(frozen=True)
class Delete:
    """A file or a folder to take away."""

    path: str
    folder: bool


Operation = AddFile | AddLfs | Delete


def read_object(text: bytes) -> dict[str, Any]:
    """A JSON object, or a refusal."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise bad_request("the body is not a JSON object")
    return value


def text_field(value: dict[str, Any], key: str, default: str | None = None) -> str:
    """The text at `key`; a refusal where it is missing without a default, or is no text."""
    found = value.get(key, default)
    if not isinstance(found, str):
        raise bad_request(f"'{key}' must be a text")
    return found


def size_field(value: dict[str, Any]) -> int:
    """The number of bytes at `size`."""
    size = value.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise bad_request("'size' must be a number of bytes")
    return size


def sha256_field(value: dict[str, Any]) -> str:
    """The SHA-256 at `oid`."""
    oid = text_field(value, "oid")
    if not is_sha256(oid):
        raise bad_request(f"'oid' must be a SHA-256 in hexadecimal digits, not {oid!r:.80}")
    return oid


def read_header(line: bytes) -> Header:
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
    return Header(summary, text_field(value, "description", ""), parent)


def read_operation(line: bytes) -> Operation:
    """Any later line of a commit."""
    key, value = _read_line(line)
    if key not in ("file", "lfsFile", "deletedFile", "deletedFolder"):
        raise bad_request(f"a commit has no operation {key!r:.80}")
    path = text_field(value, "path")
    if key == "deletedFolder":
        return Delete(check_path(path.rstrip("/")), folder=True)
    check_path(path)
    if key == "deletedFile":
        return Delete(path, folder=False)
    if key == "lfsFile":
        if text_field(value, "algo", "sha256") != "sha256":
            raise bad_request(f"{path}: LFS objects are known by their sha256")
        size = size_field(value) if "size" in value else None
        return AddLfs(path, sha256_field(value), size)
    return AddFile(path, _content(path, value))


def _read_line(line: bytes) -> tuple[str, dict[str, Any]]:
    item = read_object(line)
    value = item.get("value")
    if not isinstance(value, dict):
        raise bad_request("each line of a commit has a 'key' and an object 'value'")
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
        raise bad_request(f"{path}: the encoding {encoding!r:.40} is neither base64 nor utf-8")
    if len(decoded) > MAX_REGULAR_BYTES:
        raise HubError(413, f"{path}: over {MAX_REGULAR_BYTES} bytes; upload it with LFS")
    return decoded

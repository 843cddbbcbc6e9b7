"""Validation of the names in a request, before any of them becomes a path on disk."""

import re
from dataclasses import dataclass
from typing import Literal

from dulwich.refs import check_ref_format

from services.hub.errors import bad_request

RepoKind = Literal["datasets", "models"]
KINDS: tuple[RepoKind, ...] = ("datasets", "models")

# Namespaces that would collide with the server's other URLs.
RESERVED = frozenset({"api", "collections", "datasets", "lfs", "models", "spaces"})
MAX_PATH_BYTES = 1024
# The limit of common file systems for one name: refs are files, and clients download to files.
MAX_SEGMENT_BYTES = 255

_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class RepoId:
    """A repository's address; `str()` is `namespace/name`."""

    kind: RepoKind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def singular(self) -> str:
        """`dataset` or `model`."""
        return self.kind.removesuffix("s")

    @property
    def page(self) -> str:
        """The path of the repository's page on the server."""
        return f"/{self}" if self.kind == "models" else f"/{self.kind}/{self}"


def repo_id(kind: str, namespace: str, name: str) -> RepoId:
    """A valid repository id, by the Hub's rules for names; 400 otherwise."""
    if kind not in KINDS:
        raise bad_request(f"unsupported repository type {kind!r:.40}: use dataset or model")
    for part in (namespace, name):
        if not is_repo_part(part):
            raise bad_request(
                f"{part!r:.120} is not a valid name for a repository: use letters, digits, '-', "
                "'_' and '.', start and end with a letter, a digit or '_', no '--' and no '..', "
                "at most 96 characters, not ending in '.git'"
            )
    if namespace.lower() in RESERVED:
        raise bad_request(f"{namespace!r} is reserved and cannot be a namespace")
    if len(namespace) + len(name) + 1 > 96:
        raise bad_request("namespace and name together may have at most 96 characters")
    return RepoId(kind, namespace, name)


def is_repo_part(part: str) -> bool:
    """Whether `part` can be a namespace or a name."""
    return (
        len(part) <= 96
        and _PART.fullmatch(part) is not None
        and "--" not in part
        and ".." not in part
        and not part.lower().endswith(".git")
    )


def is_path(path: str) -> bool:
    """Whether `path` can name a file in a repository, on any system that checks it out."""
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return False
    if not encoded or len(encoded) > MAX_PATH_BYTES or "\\" in path or _CONTROL.search(path):
        return False
    return all(
        segment not in ("", ".", "..")
        and segment.lower() != ".git"
        and len(segment.encode()) <= MAX_SEGMENT_BYTES
        for segment in path.split("/")
    )


def check_path(path: str) -> str:
    """`path` itself; 400 if it is invalid."""
    if not is_path(path):
        raise bad_request(f"{path!r:.200} is not a valid path of a file in a repository")
    return path


def check_ref_name(name: str, what: Literal["branch", "tag"]) -> str:
    """`name` itself if git accepts it as a ref and it does not look like a commit; else 400."""
    encoded = name.encode(errors="surrogateescape")
    acceptable = (
        len(encoded) <= MAX_SEGMENT_BYTES
        and is_path(name)
        and check_ref_format(b"refs/heads/" + encoded)
        and not name.startswith(("-", "refs/"))
        and name != "HEAD"
        and not is_commit(name)
    )
    if not acceptable:
        raise bad_request(f"Invalid reference for a {what}: {name!r:.200}")
    return name


def is_commit(text: str) -> bool:
    """Whether `text` is a full commit id (40 hexadecimal digits)."""
    return _COMMIT.fullmatch(text) is not None


def is_sha256(text: str) -> bool:
    """Whether `text` is a SHA-256 in lower-case hexadecimal."""
    return _SHA256.fullmatch(text) is not None

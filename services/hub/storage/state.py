"""The server's state, and how it locks and releases its folder."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from filelock import FileLock, Timeout

from builders.errors import BadInput
from services.hub.access import Tokens
from services.hub.storage.catalog import Catalog
from services.hub.storage.collection_store import Collections
from services.hub.storage.durable import write_durably
from services.hub.storage.objects import ObjectStore

USER = "local"


@dataclass(frozen=True)
class Hub:
    """A folder being served. `upload_key` signs upload URLs."""

    root: Path
    scratch: Path
    catalog: Catalog
    objects: ObjectStore
    collections: Collections
    tokens: Tokens
    upload_key: bytes


@contextmanager
def open_hub(root: Path, tokens: Tokens) -> Iterator[Hub]:
    """Lock the folder for this process, and delete what a killed one left unfinished.

    BadInput if another process serves it, or it cannot be created.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise BadInput(f"{root}: another embedded Hub is serving this folder") from None
    except OSError as error:
        raise BadInput(f"{root}: {error.strerror or error}") from None
    try:
        scratch = root / "scratch"
        _remove_leftovers(root, scratch)
        catalog = Catalog(root, scratch, USER)
        objects = ObjectStore(root / "lfs", scratch)
        collections = Collections(root / "collections", scratch)
        key = _upload_key(root, scratch)
        yield Hub(root, scratch, catalog, objects, collections, tokens, key)
    finally:
        lock.release()


def _remove_leftovers(root: Path, scratch: Path) -> None:
    # Nothing in scratch was ever visible, and only this server's processes create lock files.

    rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for git in root.glob("*/*/*/repo.git"):
        for stale in [*git.glob("*.lock"), *(git / "refs").rglob("*.lock")]:
            stale.unlink(missing_ok=True)


def _upload_key(root: Path, scratch: Path) -> bytes:
    # On disk, so that an upload that began before a restart can continue after it.
    path = root / "upload.key"
    if not path.exists():
        write_durably(path, secrets.token_bytes(32), scratch)
    return path.read_bytes()

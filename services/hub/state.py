"""What the server holds while it runs, and how the folder on the disk is taken and left."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from filelock import FileLock, Timeout

from services.hub.access import Tokens
from services.hub.catalog import Catalog
from services.hub.collection_store import Collections
from services.hub.durable import write_durably
from services.hub.errors import CannotStart
from services.hub.objects import ObjectStore

USER = "local"


@dataclass(frozen=True)
class Hub:
    """One folder being served. `upload_key` signs the addresses that uploads go to."""

    root: Path
    scratch: Path
    catalog: Catalog
    objects: ObjectStore
    collections: Collections
    tokens: Tokens
    upload_key: bytes


@contextmanager
def open_hub(root: Path, tokens: Tokens) -> Iterator[Hub]:
    """Take the folder for this process alone and clear away what a killed one left unfinished."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise CannotStart(f"{root}: another embedded Hub is serving this folder") from None
    except OSError as error:
        raise CannotStart(f"{root}: {error.strerror or error}") from None
    try:
        scratch = root / "scratch"
        _clear(root, scratch)
        catalog = Catalog(root, scratch, USER)
        objects = ObjectStore(root / "lfs", scratch)
        collections = Collections(root / "collections", scratch)
        key = _upload_key(root, scratch)
        yield Hub(root, scratch, catalog, objects, collections, tokens, key)
    finally:
        lock.release()


def _clear(root: Path, scratch: Path) -> None:
    """Nothing in scratch was ever visible, and a ref's lock file belongs to a process of ours."""
    rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for git in root.glob("*/*/*/repo.git"):
        for stale in [*git.glob("*.lock"), *(git / "refs").rglob("*.lock")]:
            stale.unlink(missing_ok=True)


def _upload_key(root: Path, scratch: Path) -> bytes:
    """Kept on the disk, so that an upload begun before a restart can go on after it."""
    path = root / "upload.key"
    if not path.exists():
        write_durably(path, secrets.token_bytes(32), scratch)
    return path.read_bytes()

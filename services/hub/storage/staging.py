"""Git objects of an unfinished commit, invisible until all of them are moved in."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dulwich.objects import ObjectID, ShaFile

from services.hub.storage.durable import fsync_folder


class Staging:
    """A folder of loose objects that are not in a repository yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._staged: set[ObjectID] = set()

    def add(self, item: ShaFile) -> ObjectID:
        """Stage one object; returns its id."""
        if item.id not in self._staged:
            name = item.id.decode()
            (self._folder / name).write_bytes(item.as_legacy_object())
            self._staged.add(item.id)
        return item.id

    def keep(self, objects: Path) -> None:
        """Sync everything to disk, then move it into the repository's `objects` folder.

        The objects are invisible until a ref points at them. A copy left by a crash is replaced,
        because it may be incomplete.
        """
        folders = set()
        for sha in sorted(self._staged):
            name = sha.decode()
            staged = self._folder / name
            with staged.open("rb") as file:
                os.fsync(file.fileno())
            folder = objects / name[:2]
            folder.mkdir(exist_ok=True)
            staged.replace(folder / name[2:])
            folders.add(folder)
        for folder in folders:
            fsync_folder(folder)
        fsync_folder(objects)
        self._staged.clear()


@contextmanager
def staging(scratch: Path) -> Iterator[Staging]:
    """A staging folder below `scratch`, deleted at the end with everything not kept."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    try:
        yield Staging(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

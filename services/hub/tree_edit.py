"""A git tree being changed: only the folders on the way to a change are read and written."""

import stat
from collections.abc import Callable

from dulwich.objects import ObjectID, ShaFile, Tree

from services.hub.errors import conflict, entry_not_found

_FILE = stat.S_IFREG | 0o644

Read = Callable[[ObjectID], ShaFile]
Write = Callable[[ShaFile], ObjectID]


class Folder:
    """One folder: a name leads to (mode, id) where it is as it was, or to an opened Folder."""

    def __init__(self, read: Read, tree: ObjectID | None = None) -> None:
        self._read = read
        self._items: dict[bytes, tuple[int, ObjectID] | Folder] = {}
        if tree is not None:
            stored = read(tree)
            assert isinstance(stored, Tree)
            self._items = {item.path: (item.mode, item.sha) for item in stored.items()}

    def set_file(self, path: str, blob: ObjectID) -> None:
        """Put a file at `path`; a refusal where a folder is, or a file where a folder must be."""
        *folders, name = path.encode().split(b"/")
        folder = self
        for part in folders:
            folder = folder._open(part, path, create=True)
        if folder._is_folder(name):
            raise conflict(f"{path}: a folder of that name exists")
        folder._items[name] = (_FILE, blob)

    def delete(self, path: str, *, folder: bool) -> None:
        """Take the file or the folder at `path` away; a refusal where there is none."""
        what = "folder" if folder else "file"
        *folders, name = path.encode().split(b"/")
        holder: Folder | None = self
        for part in folders:
            holder = holder._open(part, path) if holder and holder._is_folder(part) else None
        if holder is None or name not in holder._items or holder._is_folder(name) != folder:
            raise entry_not_found(f"A {what} with this name doesn't exist: {path}")
        del holder._items[name]

    def write(self, write: Write) -> ObjectID:
        """Write what changed; the tree's id. Git knows no empty folders, so they go."""
        return write(self._as_tree(write))

    def _as_tree(self, write: Write) -> Tree:
        tree = Tree()
        for name, item in self._items.items():
            if not isinstance(item, Folder):
                tree.add(name, *item)
                continue
            inner = item._as_tree(write)
            if len(inner):
                tree.add(name, stat.S_IFDIR, write(inner))
        return tree

    def _is_folder(self, name: bytes) -> bool:
        item = self._items.get(name)
        return isinstance(item, Folder) or (item is not None and stat.S_ISDIR(item[0]))

    def _open(self, name: bytes, path: str, *, create: bool = False) -> "Folder":
        item = self._items.get(name)
        if isinstance(item, Folder):
            return item
        if item is None and create:
            opened = Folder(self._read)
        elif item is not None and stat.S_ISDIR(item[0]):
            opened = Folder(self._read, item[1])
        else:
            raise conflict(f"{path}: {name.decode(errors='replace')} is a file, not a folder")
        self._items[name] = opened
        return opened

"""A git tree that can be changed; reads and writes only the folders along a changed path."""

import stat
from collections.abc import Callable

from dulwich.objects import ObjectID, ShaFile, Tree

from services.hub.errors import conflict, entry_not_found

_FILE = stat.S_IFREG | 0o644

Read = Callable[[ObjectID], ShaFile]
Write = Callable[[ShaFile], ObjectID]


class MutableTree:
    """One folder. A name maps to (mode, id) as stored, or to a MutableTree once it is opened."""

    def __init__(self, read: Read, tree: ObjectID | None = None) -> None:
        self._read = read
        self._items: dict[bytes, tuple[int, ObjectID] | MutableTree] = {}
        if tree is not None:
            stored = read(tree)
            assert isinstance(stored, Tree)
            self._items = {item.path: (item.mode, item.sha) for item in stored.items()}

    def set_file(self, path: str, blob: ObjectID) -> None:
        """Put a file at `path`; 409 if that is a folder, or a parent of it is a file."""
        *folders, name = path.encode().split(b"/")
        parent = self
        for part in folders:
            parent = parent._open(part, path, create=True)
        if parent._is_folder(name):
            raise conflict(f"{path}: a folder with this name exists")
        parent._items[name] = (_FILE, blob)

    def delete(self, path: str, *, is_folder: bool) -> None:
        """Delete the file or the folder at `path`; 404 if it does not exist."""
        kind = "folder" if is_folder else "file"
        *folders, name = path.encode().split(b"/")
        parent: MutableTree | None = self
        for part in folders:
            parent = parent._open(part, path) if parent and parent._is_folder(part) else None
        if parent is None or name not in parent._items or parent._is_folder(name) != is_folder:
            raise entry_not_found(f"A {kind} with this name doesn't exist: {path}")
        del parent._items[name]

    def write(self, write: Write) -> ObjectID:
        """Write what changed; returns the tree's id. Empty folders are dropped, as git has none."""
        return write(self._as_tree(write))

    def _as_tree(self, write: Write) -> Tree:
        tree = Tree()
        for name, item in self._items.items():
            if not isinstance(item, MutableTree):
                tree.add(name, *item)
                continue
            inner = item._as_tree(write)
            if len(inner):
                tree.add(name, stat.S_IFDIR, write(inner))
        return tree

    def _is_folder(self, name: bytes) -> bool:
        item = self._items.get(name)
        if isinstance(item, MutableTree):
            # One whose last file was deleted is gone.
            return item._has_files()
        return item is not None and stat.S_ISDIR(item[0])

    def _has_files(self) -> bool:
        return any(
            not isinstance(item, MutableTree) or item._has_files() for item in self._items.values()
        )

    def _open(self, name: bytes, path: str, *, create: bool = False) -> "MutableTree":
        item = self._items.get(name)
        if isinstance(item, MutableTree):
            return item
        if item is None and create:
            opened = MutableTree(self._read)
        elif item is not None and stat.S_ISDIR(item[0]):
            opened = MutableTree(self._read, item[1])
        else:
            raise conflict(f"{path}: {name.decode(errors='replace')} is a file, not a folder")
        self._items[name] = opened
        return opened

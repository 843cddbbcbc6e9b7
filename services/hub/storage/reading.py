"""Reads a bare git repository: revisions, trees, files and history."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dulwich.errors import NotGitRepository
from dulwich.objects import Commit, ObjectID, Tag, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from services.hub.errors import damaged, entry_not_found, revision_not_found
from services.hub.names import is_commit
from services.hub.storage.objects import Lfs, read_pointer

BRANCHES, TAGS = b"refs/heads/", b"refs/tags/"


@dataclass(frozen=True)
class Entry:
    """A file or a folder at a revision. `size` is the real file's, in bytes; 0 for a folder."""

    path: str
    oid: str
    is_folder: bool
    size: int = 0
    lfs: Lfs | None = None


class RepositoryReader:
    """Reads one repository. Arguments named `commit` are ids of commits that exist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.repo = Repo(str(path))
        except (NotGitRepository, OSError, ValueError) as error:
            raise damaged(path, error) from None
        # Blobs never change, and a listing needs the size of every file.
        self._size_and_lfs = lru_cache(maxsize=100_000)(self._read_size_and_lfs)

    def close(self) -> None:
        self.repo.close()

    def refs(self, prefix: bytes) -> dict[str, str]:
        """The commit of each branch (prefix `BRANCHES`) or tag (`TAGS`), by name."""
        commits = {}
        for name in sorted(self.repo.refs.keys(base=Ref(prefix.rstrip(b"/")))):
            commit = self._peel(self.repo.refs.read_ref(Ref(prefix + name)))
            if commit is not None:
                commits[name.decode()] = commit.decode()
        return commits

    def ref(self, prefix: bytes, name: str) -> str | None:
        """The commit of one branch or tag; None if it does not exist."""
        try:
            commit = self._peel(self.repo.refs.read_ref(Ref(prefix + name.encode())))
        except (ValueError, OSError):
            # The name is too long, is a folder of refs, or is not a valid ref.
            return None
        return commit.decode() if commit else None

    def resolve(self, revision: str) -> str:
        """The commit that a branch, a tag or a full commit id refers to; 404 if there is none."""
        if is_commit(revision):
            commit = self._peel(ObjectID(revision.encode()))
            if commit is not None:
                return commit.decode()
            raise revision_not_found(revision)
        for prefix in (BRANCHES, TAGS):
            name = revision.removeprefix(prefix.decode())
            commit_id = self.ref(prefix, name) if _is_safe(name) else None
            if commit_id is not None:
                return commit_id
        raise revision_not_found(revision)

    def commit(self, commit: str) -> Commit:
        """The commit object itself."""
        stored = self.repo.object_store[ObjectID(commit.encode())]
        assert isinstance(stored, Commit)
        return stored

    def history(self, commit: str) -> Iterator[tuple[str, Commit]]:
        """The commit and its ancestors. The server creates no merges, so history is linear."""
        current: str | None = commit
        while current is not None:
            stored = self.commit(current)
            yield current, stored
            current = stored.parents[0].decode() if stored.parents else None

    def find(self, commit: str, path: str) -> Entry | None:
        """The file or folder at `path`, or None. The root is the path ''."""
        item = self._locate(self.commit(commit).tree, path)
        return self._entry(path, *item) if item else None

    def file(self, commit: str, path: str) -> Entry:
        """The file at `path`; 404 if there is none."""
        entry = self.find(commit, path)
        if entry is None or entry.is_folder:
            raise entry_not_found(f"{path!r:.300} does not exist at this revision")
        return entry

    def listing(self, commit: str, folder: str = "", *, recursive: bool = False) -> list[Entry]:
        """The entries of a folder, depth first; 404 if it is not a folder."""
        item = self._locate(self.commit(commit).tree, folder)
        if item is None or not stat.S_ISDIR(item[0]):
            raise entry_not_found(f"{folder!r:.300} is not a folder at this revision")
        return list(self._walk(item[1], f"{folder}/" if folder else "", recursive))

    def content(self, entry: Entry) -> bytes:
        """The file's bytes as stored in git: for an LFS file, its pointer."""
        return self.repo.object_store.get_raw(ObjectID(entry.oid.encode()))[1]

    def read_text(self, commit: str, path: str) -> bytes | None:
        """The bytes of a file that is stored in git itself; None if it is not."""
        entry = self.find(commit, path)
        return None if entry is None or entry.is_folder or entry.lfs else self.content(entry)

    def last_changes(self, commit: str, paths: list[str]) -> dict[str, tuple[str, Commit]]:
        """For each path, the last commit that changed it."""
        pending = set(paths)
        changes: dict[str, tuple[str, Commit]] = {}
        for current, stored in self.history(commit):
            before = self.commit(stored.parents[0].decode()).tree if stored.parents else None
            changed = {
                path
                for path in pending
                if before is None or self._locate(before, path) != self._locate(stored.tree, path)
            }
            changes.update(dict.fromkeys(changed, (current, stored)))
            pending -= changed
            if not pending:
                break
        return changes

    def _locate(self, tree: ObjectID, path: str) -> tuple[int, ObjectID] | None:
        """(mode, id) of `path` below a tree; None if it does not exist."""
        mode, current = stat.S_IFDIR, tree
        for part in path.encode().split(b"/") if path else ():
            if not stat.S_ISDIR(mode):
                return None
            folder = self._tree(current)
            if part not in folder:
                return None
            mode, current = folder[part]
        return mode, current

    def _walk(self, tree: ObjectID, prefix: str, recursive: bool) -> Iterator[Entry]:
        for item in self._tree(tree).iteritems():
            path = prefix + item.path.decode()
            yield self._entry(path, item.mode, item.sha)
            if recursive and stat.S_ISDIR(item.mode):
                yield from self._walk(item.sha, f"{path}/", recursive)

    def _entry(self, path: str, mode: int, oid: ObjectID) -> Entry:
        if stat.S_ISDIR(mode):
            return Entry(path, oid.decode(), is_folder=True)
        size, lfs = self._size_and_lfs(oid)
        return Entry(path, oid.decode(), is_folder=False, size=size, lfs=lfs)

    def _read_size_and_lfs(self, oid: ObjectID) -> tuple[int, Lfs | None]:
        blob = self.repo.object_store.get_raw(oid)[1]
        lfs = read_pointer(blob)
        return (lfs.size if lfs else len(blob)), lfs

    def _tree(self, oid: ObjectID) -> Tree:
        stored = self.repo.object_store[oid]
        assert isinstance(stored, Tree)
        return stored

    def _peel(self, oid: ObjectID | None) -> ObjectID | None:
        """The commit that an id leads to, through annotated tags; None if it leads to none."""
        while oid is not None:
            try:
                stored = self.repo.object_store[oid]
            except KeyError:
                return None
            if isinstance(stored, Commit):
                return oid
            oid = stored.object[1] if isinstance(stored, Tag) else None
        return None


def _is_safe(name: str) -> bool:
    """Whether looking up `name` stays inside the folder of refs."""
    try:
        return all(part not in ("", ".", "..") for part in name.encode().decode().split("/"))
    except UnicodeEncodeError:
        return False

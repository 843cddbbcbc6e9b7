"""What a bare git repository holds: revisions, trees, files and history. Reads only."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dulwich.objects import Commit, ObjectID, Tag, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from services.hub.errors import entry_not_found, revision_not_found
from services.hub.names import is_commit
from services.hub.objects import Lfs, read_pointer

BRANCHES, TAGS = b"refs/heads/", b"refs/tags/"


@dataclass(frozen=True)
class Entry:
    """A file or a folder of a revision. `size` is the real file's, in bytes; 0 for a folder."""

    path: str
    oid: str
    folder: bool
    size: int = 0
    lfs: Lfs | None = None


class Reader:
    """One repository, read. Commits are the ids of checked, existing commits."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.repo = Repo(str(path))
        # What a blob holds never changes, and a listing asks for every file's size.
        self._facts = lru_cache(maxsize=100_000)(self._read_facts)

    def close(self) -> None:
        self.repo.close()

    def refs(self, prefix: bytes) -> dict[str, str]:
        """Names of branches (`BRANCHES`) or tags (`TAGS`) with the commit that each one means."""
        found = {}
        for name in sorted(self.repo.refs.keys(base=Ref(prefix.rstrip(b"/")))):
            commit = self._peel(self.repo.refs.read_ref(Ref(prefix + name)))
            if commit is not None:
                found[name.decode()] = commit.decode()
        return found

    def ref(self, prefix: bytes, name: str) -> str | None:
        """The commit of one branch or tag."""
        try:
            commit = self._peel(self.repo.refs.read_ref(Ref(prefix + name.encode())))
        except (ValueError, OSError):
            # A name that is too long, a folder of refs, or nothing that git would keep.
            return None
        return commit.decode() if commit else None

    def resolve(self, revision: str) -> str:
        """The commit that a branch, a tag or a commit's own id means."""
        if is_commit(revision):
            commit = self._peel(ObjectID(revision.encode()))
            if commit is not None:
                return commit.decode()
            raise revision_not_found(revision)
        for prefix in (BRANCHES, TAGS):
            name = revision.removeprefix(prefix.decode())
            commit_id = self.ref(prefix, name) if _is_name(name) else None
            if commit_id is not None:
                return commit_id
        raise revision_not_found(revision)

    def commit(self, commit: str) -> Commit:
        """The commit object itself."""
        found = self.repo.object_store[ObjectID(commit.encode())]
        assert isinstance(found, Commit)
        return found

    def history(self, commit: str) -> Iterator[tuple[str, Commit]]:
        """The commit and those before it. The server makes no merges: the line is one."""
        current: str | None = commit
        while current is not None:
            found = self.commit(current)
            yield current, found
            current = found.parents[0].decode() if found.parents else None

    def find(self, commit: str, path: str) -> Entry | None:
        """The file or folder at `path`, or None. The root is the path ''."""
        found = self.locate(self.commit(commit).tree, path)
        return self._entry(path, *found) if found else None

    def file(self, commit: str, path: str) -> Entry:
        """The file at `path`, or a refusal."""
        entry = self.find(commit, path)
        if entry is None or entry.folder:
            raise entry_not_found(f"{path!r:.300} does not exist at this revision")
        return entry

    def listing(self, commit: str, folder: str = "", *, recursive: bool = False) -> list[Entry]:
        """What the folder holds, without the folder itself, in the order of a walk."""
        found = self.locate(self.commit(commit).tree, folder)
        if found is None or not stat.S_ISDIR(found[0]):
            raise entry_not_found(f"{folder!r:.300} is no folder at this revision")
        return list(self._walk(found[1], f"{folder}/" if folder else "", recursive))

    def content(self, entry: Entry) -> bytes:
        """The bytes that git itself holds for a file."""
        return self.repo.object_store.get_raw(ObjectID(entry.oid.encode()))[1]

    def read_text(self, commit: str, path: str) -> bytes | None:
        """A small file's bytes, or None where there is no such ordinary file."""
        entry = self.find(commit, path)
        return None if entry is None or entry.folder or entry.lfs else self.content(entry)

    def last_changes(self, commit: str, paths: list[str]) -> dict[str, tuple[str, Commit]]:
        """For each path the last commit that changed it."""
        pending = set(paths)
        changes: dict[str, tuple[str, Commit]] = {}
        for current, found in self.history(commit):
            before = self.commit(found.parents[0].decode()).tree if found.parents else None
            changed = {
                path
                for path in pending
                if before is None or self.locate(before, path) != self.locate(found.tree, path)
            }
            changes.update(dict.fromkeys(changed, (current, found)))
            pending -= changed
            if not pending:
                break
        return changes

    def locate(self, tree: ObjectID, path: str) -> tuple[int, ObjectID] | None:
        """(mode, id) of `path` below a tree."""
        mode, current = stat.S_IFDIR, tree
        for part in path.encode().split(b"/") if path else ():
            if not stat.S_ISDIR(mode):
                return None
            holder = self._tree(current)
            if part not in holder:
                return None
            mode, current = holder[part]
        return mode, current

    def _walk(self, tree: ObjectID, prefix: str, recursive: bool) -> Iterator[Entry]:
        for item in self._tree(tree).iteritems():
            path = prefix + item.path.decode()
            yield self._entry(path, item.mode, item.sha)
            if recursive and stat.S_ISDIR(item.mode):
                yield from self._walk(item.sha, f"{path}/", recursive)

    def _entry(self, path: str, mode: int, oid: ObjectID) -> Entry:
        if stat.S_ISDIR(mode):
            return Entry(path, oid.decode(), folder=True)
        size, lfs = self._facts(oid)
        return Entry(path, oid.decode(), folder=False, size=size, lfs=lfs)

    def _read_facts(self, oid: ObjectID) -> tuple[int, Lfs | None]:
        blob = self.repo.object_store.get_raw(oid)[1]
        lfs = read_pointer(blob)
        return (lfs.size if lfs else len(blob)), lfs

    def _tree(self, oid: ObjectID) -> Tree:
        found = self.repo.object_store[oid]
        assert isinstance(found, Tree)
        return found

    def _peel(self, oid: ObjectID | None) -> ObjectID | None:
        """The commit behind an id, through annotated tags; None where it leads to no commit."""
        while oid is not None:
            try:
                found = self.repo.object_store[oid]
            except KeyError:
                return None
            if isinstance(found, Commit):
                return oid
            oid = found.object[1] if isinstance(found, Tag) else None
        return None


def _is_name(name: str) -> bool:
    """Whether `name` can be looked up without leaving the folder of refs."""
    try:
        return all(part not in ("", ".", "..") for part in name.encode().decode().split("/"))
    except UnicodeEncodeError:
        return False

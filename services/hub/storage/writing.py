"""Changes a bare git repository: a commit, a tag or a branch appears completely or not at all.

New objects are staged, synced to disk and moved in; the ref that makes them visible is updated
last, by one rename. A process that is killed before that leaves the repository unchanged.
"""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from pathlib import Path

from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tag
from dulwich.refs import Ref
from dulwich.repo import Repo

from services.hub.errors import HubError, conflict, revision_not_found
from services.hub.names import check_ref_name
from services.hub.storage.durable import fsync_folder
from services.hub.storage.operations import AddFile, CommitHeader, CommitOperation, Delete
from services.hub.storage.reading import BRANCHES, TAGS, RepositoryReader
from services.hub.storage.staging import Staging, staging
from services.hub.storage.tree_edit import MutableTree

MAIN = "main"

# A file's path and its staged blob, or a deletion.
TreeChange = tuple[str, ObjectID] | Delete


def stage_operation(
    staged: Staging, operation: CommitOperation, stored_size: Callable[[str], int | None]
) -> TreeChange:
    """Stage the blob that an operation adds. `stored_size` is the size of an LFS object or None."""
    if isinstance(operation, Delete):
        return operation
    if isinstance(operation, AddFile):
        content = operation.content
    else:
        content = operation.lfs(stored_size(operation.oid)).pointer()
    return operation.path, staged.add(Blob.from_string(content))


class RepositoryWriter:
    """Changes one repository, one change at a time; it also reads under its lock."""

    def __init__(self, reader: RepositoryReader, scratch: Path, author: str) -> None:
        self.path = reader.path
        self._reader = reader
        self._scratch = scratch
        self._author = f"{author} <{author}@localhost>".encode()
        self.lock = threading.Lock()

    @classmethod
    def create(cls, path: Path, scratch: Path, author: str, files: dict[str, bytes]) -> None:
        """Create a repository with a first commit of `files` on `main`."""
        path.mkdir()
        Repo.init_bare(str(path), default_branch=MAIN.encode()).close()
        reader = RepositoryReader(path)
        writer = cls(reader, scratch, author)
        with staging(scratch) as staged:
            changes = [(name, staged.add(Blob.from_string(text))) for name, text in files.items()]
            tree = MutableTree(writer._read)
            for name, blob in changes:
                tree.set_file(name, blob)
            first = writer._new_commit(tree.write(staged.add), None, b"initial commit")
            writer._keep(staged, first)
            writer._set_ref(BRANCHES, MAIN, None, first.id)
        reader.close()

    def commit(
        self, branch: str, header: CommitHeader, changes: Iterable[TreeChange], staged: Staging
    ) -> str:
        """Commit to `branch`; returns the id. 412 if the branch is not at the header's parent."""
        with self._changing():
            head = self._head(branch)
            if header.parent is not None and not head.startswith(header.parent):
                raise HubError(
                    412,
                    f"A commit has happened since: {branch} is at {head}, not at {header.parent}. "
                    "Please refresh and try again.",
                )
            tree = MutableTree(self._read, self._reader.commit(head).tree)
            for change in changes:
                if isinstance(change, Delete):
                    tree.delete(change.path, is_folder=change.is_folder)
                else:
                    tree.set_file(*change)
            commit = self._new_commit(tree.write(staged.add), head, header.message)
            self._keep(staged, commit)
            self._set_ref(BRANCHES, branch, head, commit.id)
            return commit.id.decode()

    def squash(self, branch: str, message: str) -> None:
        """Replace the branch's history with one commit of the same files."""
        with self._changing(), staging(self._scratch) as staged:
            head = self._head(branch)
            commit = self._new_commit(self._reader.commit(head).tree, None, message.encode())
            self._keep(staged, commit)
            self._set_ref(BRANCHES, branch, head, commit.id)

    def create_branch(self, name: str, start: str | None) -> None:
        """Create a branch at the revision `start` (default: `main`)."""
        check_ref_name(name, "branch")
        with self._changing():
            self._require_unused(name)
            self._set_ref(BRANCHES, name, None, self._reader.resolve(start or MAIN).encode())

    def create_tag(self, name: str, revision: str, message: str | None) -> None:
        """Tag a revision; with a message, as an annotated tag."""
        check_ref_name(name, "tag")
        with self._changing(), staging(self._scratch) as staged:
            self._require_unused(name)
            target = self._reader.resolve(revision).encode()
            if message:
                target = self._annotated(name, target, message, staged)
            self._set_ref(TAGS, name, None, target)

    def delete_branch(self, name: str) -> None:
        """Delete a branch; its commits stay readable by id."""
        if name == MAIN:
            raise HubError(403, f"the branch {MAIN} cannot be deleted")
        self._delete_ref(BRANCHES, name)

    def delete_tag(self, name: str) -> None:
        """Delete a tag."""
        self._delete_ref(TAGS, name)

    @contextmanager
    def _changing(self):
        with self.lock:
            if not self.path.exists():
                raise HubError(404, "the repository was deleted", "RepoNotFound")
            yield

    def _head(self, branch: str) -> str:
        head = self._reader.ref(BRANCHES, branch.removeprefix(BRANCHES.decode()))
        if head is None:
            raise revision_not_found(f"{branch} (commits go to a branch)")
        return head

    def _read(self, oid: ObjectID) -> ShaFile:
        return self._reader.repo.object_store[oid]

    def _new_commit(self, tree: ObjectID, parent: str | None, message: bytes) -> Commit:
        commit = Commit()
        commit.tree = tree
        commit.parents = [ObjectID(parent.encode())] if parent else []
        commit.author = commit.committer = self._author
        commit.author_time = commit.commit_time = int(time.time())
        commit.author_timezone = commit.commit_timezone = 0
        commit.encoding = b"UTF-8"
        commit.message = message
        return commit

    def _annotated(self, name: str, target: bytes, message: str, staged: Staging) -> bytes:
        tag = Tag()
        tag.name, tag.object = name.encode(), (Commit, ObjectID(target))
        tag.tagger, tag.tag_time, tag.tag_timezone = self._author, int(time.time()), 0
        tag.message = message.encode()
        self._keep(staged, tag)
        return tag.id

    def _keep(self, staged: Staging, last: ShaFile) -> None:
        staged.add(last)
        staged.keep(self.path / "objects")

    def _require_unused(self, name: str) -> None:
        """409 if a tag or branch has this name: a tag and a branch with one name are ambiguous."""
        for prefix, kind in ((TAGS, "tag"), (BRANCHES, "branch")):
            if self._reader.ref(prefix, name) is not None:
                raise conflict(f"{kind.capitalize()} already exists: {name}")

    def _set_ref(self, prefix: bytes, name: str, old: str | None, new: bytes) -> None:
        ref = Ref(prefix + name.removeprefix(prefix.decode()).encode())
        refs = self._reader.repo.refs
        try:
            if old is None:
                is_set = refs.add_if_new(ref, ObjectID(new))
            else:
                is_set = refs.set_if_equals(ref, ObjectID(old.encode()), ObjectID(new))
        except (NotADirectoryError, IsADirectoryError, FileExistsError):
            raise conflict(
                f"{name}: git cannot store this name next to the existing refs"
            ) from None
        if not is_set:
            raise conflict(f"{name} was changed outside the server")
        fsync_folder((self.path / ref.decode()).parent)

    def _delete_ref(self, prefix: bytes, name: str) -> None:
        what = "branch" if prefix == BRANCHES else "tag"
        try:
            check_ref_name(name, what)
        except HubError:
            raise revision_not_found(name) from None
        with self._changing():
            if self._reader.ref(prefix, name) is None:
                raise revision_not_found(name)
            self._reader.repo.refs.remove_if_equals(Ref(prefix + name.encode()), None)
            fsync_folder(self.path / prefix.decode())

"""Changes of a bare git repository: a commit, a tag or a branch is there whole or not at all.

New objects are staged, flushed to the disk and moved in; the ref that makes them visible moves
last, in one rename. A process that is killed before that leaves the repository as it was.
"""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from pathlib import Path

from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tag
from dulwich.refs import Ref
from dulwich.repo import Repo

from services.hub.durable import fsync_folder
from services.hub.errors import HubError, conflict, revision_not_found
from services.hub.names import check_ref_name
from services.hub.operations import AddFile, AddLfs, Delete, Header
from services.hub.reading import BRANCHES, TAGS, Reader
from services.hub.staging import Staging, staging
from services.hub.tree_edit import Folder

MAIN = "main"

# A change of the tree; the blobs that it needs have been staged.
Change = tuple[str, ObjectID] | Delete


def stage_operation(
    staged: Staging, operation: AddFile | AddLfs | Delete, stored: Callable[[str], int | None]
) -> Change:
    """Stage the blob that an operation adds. `stored` gives the size of an LFS object, or None."""
    if isinstance(operation, Delete):
        return operation
    if isinstance(operation, AddFile):
        content = operation.content
    else:
        content = operation.checked(stored(operation.oid)).pointer()
    return operation.path, staged.add(Blob.from_string(content))


class Writer:
    """One repository, changed. One change at a time; what it reads it reads under its lock."""

    def __init__(self, reader: Reader, scratch: Path, author: str) -> None:
        self.path = reader.path
        self._reader = reader
        self._scratch = scratch
        self._author = f"{author} <{author}@localhost>".encode()
        self.lock = threading.Lock()

    @classmethod
    def create(cls, path: Path, scratch: Path, author: str, files: dict[str, bytes]) -> None:
        """Make a repository with a first commit of `files` on `main`."""
        path.mkdir()
        Repo.init_bare(str(path), default_branch=MAIN.encode()).close()
        reader = Reader(path)
        writer = cls(reader, scratch, author)
        with staging(scratch) as staged:
            changes = [(name, staged.add(Blob.from_string(text))) for name, text in files.items()]
            tree = Folder(writer._read)
            for name, blob in changes:
                tree.set_file(name, blob)
            first = writer._new_commit(tree.write(staged.add), None, b"initial commit")
            writer._keep(staged, first)
            writer._set_ref(BRANCHES, MAIN, None, first.id)
        reader.close()

    def commit(
        self, branch: str, header: Header, changes: Iterable[Change], staged: Staging
    ) -> str:
        """Put one commit on `branch`; its id. 412 where the branch is not at the stated parent."""
        with self._changing():
            head = self._head(branch)
            if header.parent is not None and not head.startswith(header.parent):
                raise HubError(
                    412,
                    f"A commit has happened since: {branch} is at {head}, not at {header.parent}. "
                    "Please refresh and try again.",
                )
            tree = Folder(self._read, self._reader.commit(head).tree)
            for change in changes:
                if isinstance(change, Delete):
                    tree.delete(change.path, folder=change.folder)
                else:
                    tree.set_file(*change)
            made = self._new_commit(tree.write(staged.add), head, header.message)
            self._keep(staged, made)
            self._set_ref(BRANCHES, branch, head, made.id)
            return made.id.decode()

    def squash(self, branch: str, message: str) -> None:
        """Replace the branch's history by one commit of the same files."""
        with self._changing(), staging(self._scratch) as staged:
            head = self._head(branch)
            made = self._new_commit(self._reader.commit(head).tree, None, message.encode())
            self._keep(staged, made)
            self._set_ref(BRANCHES, branch, head, made.id)

    def create_branch(self, name: str, start: str | None) -> None:
        """Begin a branch at the revision `start` (default: where `main` is)."""
        check_ref_name(name, "branch")
        with self._changing():
            self._refuse_taken(name, "branch")
            self._set_ref(BRANCHES, name, None, self._reader.resolve(start or MAIN).encode())

    def create_tag(self, name: str, revision: str, message: str | None) -> None:
        """Name a revision for good."""
        check_ref_name(name, "tag")
        with self._changing(), staging(self._scratch) as staged:
            self._refuse_taken(name, "tag")
            target = self._reader.resolve(revision).encode()
            if message:
                target = self._annotated(name, target, message, staged)
            self._set_ref(TAGS, name, None, target)

    def delete_branch(self, name: str) -> None:
        """Take a branch away; its commits stay readable by their ids."""
        if name == MAIN:
            raise HubError(403, f"the branch {MAIN} cannot be deleted")
        self._delete_ref(BRANCHES, name)

    def delete_tag(self, name: str) -> None:
        """Take a tag away."""
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
        made = Commit()
        made.tree = tree
        made.parents = [ObjectID(parent.encode())] if parent else []
        made.author = made.committer = self._author
        made.author_time = made.commit_time = int(time.time())
        made.author_timezone = made.commit_timezone = 0
        made.encoding = b"UTF-8"
        made.message = message
        return made

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

    def _refuse_taken(self, name: str, what: str) -> None:
        """A tag and a branch of one name would make a revision of that name mean two things."""
        for prefix, held in ((TAGS, "tag"), (BRANCHES, "branch")):
            if self._reader.ref(prefix, name) is not None:
                same = f"{what.capitalize()} already exists" if held == what else f"a {held} exists"
                raise conflict(f"{same}: {name}")

    def _set_ref(self, prefix: bytes, name: str, old: str | None, new: bytes) -> None:
        ref = Ref(prefix + name.removeprefix(prefix.decode()).encode())
        refs = self._reader.repo.refs
        try:
            if old is None:
                done = refs.add_if_new(ref, ObjectID(new))
            else:
                done = refs.set_if_equals(ref, ObjectID(old.encode()), ObjectID(new))
        except (NotADirectoryError, IsADirectoryError, FileExistsError):
            raise conflict(f"{name}: git cannot keep this name beside those that exist") from None
        if not done:
            raise conflict(f"{name} has been changed from outside of the server")
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

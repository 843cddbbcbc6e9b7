"""The repositories on disk: `{datasets,models}/NAMESPACE/NAME/` with git data and settings."""

import json
import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.hub.errors import bad_request, conflict, damaged, repo_not_found
from services.hub.names import KINDS, RepoId, RepoKind, is_repo_part
from services.hub.storage.durable import (
    flush_folder,
    fsync_folder,
    make_folder,
    read_object_file,
    write_durably,
)
from services.hub.storage.lfs_rules import default_gitattributes
from services.hub.storage.reading import RepositoryReader
from services.hub.storage.writing import RepositoryWriter

_GATES = (False, "auto", "manual")


@dataclass(frozen=True)
class RepoSettings:
    """A repository's visibility and gating, and when it was created (ISO 8601, UTC)."""

    created: str
    private: bool = False
    gated: bool | str = False

    def updated(self, body: dict[str, Any]) -> "RepoSettings":
        """The settings with the `private`, `visibility` and `gated` of a request's body."""
        private = self.private if body.get("private") is None else body["private"]
        gated = body.get("gated", self.gated)
        if (visibility := body.get("visibility")) is not None:
            if visibility not in ("public", "private"):
                raise bad_request("'visibility' must be 'public' or 'private'")
            private = visibility == "private"
        if not isinstance(private, bool):
            raise bad_request("'private' must be true or false")
        if gated not in _GATES:
            raise bad_request("'gated' must be 'auto', 'manual' or false")
        return replace(self, private=private, gated=gated)


@dataclass(frozen=True)
class Repository:
    """An open repository."""

    id: RepoId
    folder: Path
    read: RepositoryReader
    write: RepositoryWriter

    @property
    def settings(self) -> RepoSettings:
        path = self.folder / "settings.json"
        try:
            return RepoSettings(**read_object_file(path))
        except TypeError as error:
            raise damaged(path, error) from None


class Catalog:
    """All repositories below `root`; `scratch` is a folder on the same disk."""

    def __init__(self, root: Path, scratch: Path, author: str) -> None:
        self._root, self._scratch, self._author = root, scratch, author
        self._open: dict[RepoId, Repository] = {}
        self._lock = threading.Lock()

    def ids(self, kind: RepoKind | None = None) -> Iterator[RepoId]:
        """All repositories, sorted by name."""
        for one in KINDS if kind is None else (kind,):
            for folder in sorted((self._root / one).glob("*/*/settings.json")):
                namespace, name = folder.parent.parent.name, folder.parent.name
                if is_repo_part(namespace) and is_repo_part(name):
                    yield RepoId(one, namespace, name)

    def get(self, repo: RepoId) -> Repository:
        """The repository; 404 if it does not exist."""
        with self._lock:
            if repo not in self._open:
                folder = self._folder(repo)
                if not (folder / "settings.json").is_file():
                    raise repo_not_found(str(repo))
                reader = RepositoryReader(folder / "repo.git")
                writer = RepositoryWriter(reader, self._scratch, self._author)
                self._open[repo] = Repository(repo, folder, reader, writer)
            return self._open[repo]

    def create(self, repo: RepoId, body: dict[str, Any]) -> None:
        """Create a repository, atomically with its first commit and its settings."""
        created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        settings = RepoSettings(created).updated(body)
        unfinished = Path(tempfile.mkdtemp(dir=self._scratch))
        try:
            files = {".gitattributes": default_gitattributes(repo.kind)}
            RepositoryWriter.create(unfinished / "repo.git", self._scratch, self._author, files)
            self._write_settings(unfinished, settings)
            flush_folder(unfinished)
            target = self._folder(repo)
            with self._lock:
                make_folder(target.parent)
                if target.exists():
                    raise conflict(f"You already created this {repo.singular} repo: {repo}")
                unfinished.rename(target)
            fsync_folder(target.parent)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def change(self, repo: RepoId, body: dict[str, Any]) -> RepoSettings:
        """Change a repository's settings."""
        repository = self.get(repo)
        with repository.write.lock:
            settings = repository.settings.updated(body)
            self._write_settings(repository.folder, settings)
        return settings

    def delete(self, repo: RepoId) -> None:
        """Delete a repository. Large files stay, since another repository may use them too."""
        repository = self.get(repo)
        trash = Path(tempfile.mkdtemp(dir=self._scratch))
        with repository.write.lock, self._lock:
            if not repository.folder.exists():
                raise repo_not_found(str(repo))
            repository.folder.rename(trash / "repo")
            self._open.pop(repo, None)
        fsync_folder(repository.folder.parent)
        shutil.rmtree(trash, ignore_errors=True)

    def _write_settings(self, folder: Path, settings: RepoSettings) -> None:
        text = json.dumps(asdict(settings), indent=2) + "\n"
        write_durably(folder / "settings.json", text.encode(), self._scratch)

    def _folder(self, repo: RepoId) -> Path:
        return self._root / repo.kind / repo.namespace / repo.name

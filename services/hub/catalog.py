"""The repositories on the disk: `{datasets,models}/NAMESPACE/NAME/` with git and settings."""

import json
import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.hub.durable import flush_folder, fsync_folder, make_folder, write_durably
from services.hub.errors import bad_request, conflict, repo_not_found
from services.hub.names import KINDS, Kind, RepoId, is_repo_part
from services.hub.reading import Reader
from services.hub.rules import default_gitattributes
from services.hub.writing import Writer

_GATES = (False, "auto", "manual")


@dataclass(frozen=True)
class Settings:
    """What the owner decides about a repository, and when it began (ISO 8601, UTC)."""

    created: str
    private: bool = False
    gated: bool | str = False

    def changed(self, wishes: dict[str, Any]) -> "Settings":
        """The settings after a request's `private`/`visibility` and `gated`."""
        private = self.private if wishes.get("private") is None else wishes["private"]
        gated = wishes.get("gated", self.gated)
        if (visibility := wishes.get("visibility")) is not None:
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
    read: Reader
    write: Writer

    @property
    def settings(self) -> Settings:
        return Settings(**json.loads((self.folder / "settings.json").read_text()))


class Catalog:
    """Every repository below `root`; `scratch` is a folder on the same disk."""

    def __init__(self, root: Path, scratch: Path, author: str) -> None:
        self._root, self._scratch, self._author = root, scratch, author
        self._open: dict[RepoId, Repository] = {}
        self._lock = threading.Lock()

    def ids(self, kind: Kind | None = None) -> Iterator[RepoId]:
        """All repositories, in the order of their names."""
        for one in KINDS if kind is None else (kind,):
            for folder in sorted((self._root / one).glob("*/*/settings.json")):
                namespace, name = folder.parent.parent.name, folder.parent.name
                if is_repo_part(namespace) and is_repo_part(name):
                    yield RepoId(one, namespace, name)

    def get(self, repo: RepoId) -> Repository:
        """The repository, or a refusal where there is none."""
        with self._lock:
            found = self._open.get(repo)
            if found is None:
                folder = self._folder(repo)
                if not (folder / "settings.json").is_file():
                    raise repo_not_found(str(repo))
                reader = Reader(folder / "repo.git")
                writer = Writer(reader, self._scratch, self._author)
                found = self._open[repo] = Repository(repo, folder, reader, writer)
            return found

    def create(self, repo: RepoId, wishes: dict[str, Any]) -> None:
        """Make a repository; it appears with its first commit and its settings, or not at all."""
        created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        settings = Settings(created).changed(wishes)
        making = Path(tempfile.mkdtemp(dir=self._scratch))
        try:
            files = {".gitattributes": default_gitattributes(repo.kind)}
            Writer.create(making / "repo.git", self._scratch, self._author, files)
            self._write_settings(making, settings)
            flush_folder(making)
            target = self._folder(repo)
            with self._lock:
                make_folder(target.parent)
                if target.exists():
                    raise conflict(f"You already created this {repo.singular} repo: {repo}")
                making.rename(target)
            fsync_folder(target.parent)
        finally:
            shutil.rmtree(making, ignore_errors=True)

    def change(self, repo: RepoId, wishes: dict[str, Any]) -> Settings:
        """Change a repository's settings."""
        found = self.get(repo)
        with found.write.lock:
            settings = found.settings.changed(wishes)
            self._write_settings(found.folder, settings)
        return settings

    def delete(self, repo: RepoId) -> None:
        """Take a repository away. Large files stay: another repository may hold them too."""
        found = self.get(repo)
        grave = Path(tempfile.mkdtemp(dir=self._scratch))
        with found.write.lock, self._lock:
            if not found.folder.exists():
                raise repo_not_found(str(repo))
            found.folder.rename(grave / "repo")
            self._open.pop(repo, None)
        fsync_folder(found.folder.parent)
        shutil.rmtree(grave, ignore_errors=True)

    def _write_settings(self, folder: Path, settings: Settings) -> None:
        text = json.dumps(asdict(settings), indent=2) + "\n"
        write_durably(folder / "settings.json", text.encode(), self._scratch)

    def _folder(self, repo: RepoId) -> Path:
        return self._root / repo.kind / repo.namespace / repo.name

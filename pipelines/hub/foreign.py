"""Whose the files of a repository are: an earlier version's, or somebody else's.

An earlier version of a release names its files in its manifest, with their hashes. A checkpoint has
no such list: its files are those at a version's tag that are named as a checkpoint's are. A file
that was changed since is somebody else's, too.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import unified_diff

from huggingface_hub import HfApi

from builders.errors import BadInput
from builders.manifest import FILE as MANIFEST
from builders.manifest import Manifest, parse_manifest
from pipelines.hub.package import CARD, LFS_RULES, is_of_checkpoint
from pipelines.hub.remote import Remote, file_at, files_at

# `datasets` reads these in place of the card.
_BESIDE_THE_CARD = ("dataset_infos.json", ".huggingface.yaml")
# A line of a card can be a whole page; a terminal and a log get its beginning.
_LINE = 300


class RemoteFiles:
    """The files of a repository's main branch, read where it has to be known what is in them."""

    def __init__(self, api: HfApi, repo: str, repo_type: str, remote: Remote) -> None:
        self._api, self._repo, self._repo_type, self._remote = api, repo, repo_type, remote
        self._read: dict[str, bytes] = {}

    def not_published(self, names: Iterable[str]) -> list[str]:
        """Those of `names`, files of the main branch, that no version here has as they are now."""
        left = set(names)
        of_version = self._of_release if self._repo_type == "dataset" else self._of_checkpoint
        for revision in self._revisions():
            if left:
                left -= set(of_version(revision, left))
        return sorted(left)

    def card_difference(self, new: str) -> str:
        """A unified diff of the main branch's card and the `new` one."""
        lines = unified_diff(
            self._content(CARD).decode(errors="replace").splitlines(),
            new.splitlines(),
            f"{self._repo}/{CARD}",
            f"the new {CARD}",
            lineterm="",
        )
        return "\n".join(line[:_LINE] for line in lines)

    def _revisions(self) -> Iterator[str]:
        """Where to look: the main branch, whose commit may have no tag yet, and the versions."""
        if self._repo_type == "dataset" and self._remote.head is not None:
            yield self._remote.head
        yield from self._remote.versions.values()

    def _of_release(self, revision: str, names: Iterable[str]) -> Iterator[str]:
        if (manifest := self._manifest_at(revision)) is None:
            return
        for name in names:
            if name == MANIFEST:
                if revision == self._remote.head:
                    yield name
            elif (file := manifest.files.get(name)) is not None:
                same_size = file.bytes == self._remote.files[name].size
                if same_size and file.sha256 == self._sha256(name):
                    yield name

    def _of_checkpoint(self, revision: str, names: Iterable[str]) -> Iterator[str]:
        files = files_at(self._api, self._repo, self._repo_type, revision)
        if "training.json" not in files:
            return
        for name in names:
            same = name in files and files[name].blob_id == self._remote.files[name].blob_id
            if same and is_of_checkpoint(name):
                yield name

    def _manifest_at(self, revision: str) -> Manifest | None:
        """The manifest of a release; None where there is none, or it is of something else."""
        content = file_at(self._api, self._repo, self._repo_type, revision, MANIFEST)
        try:
            return None if content is None else parse_manifest(content, MANIFEST)
        except BadInput:
            return None

    def _sha256(self, name: str) -> str:
        lfs = self._remote.files[name].lfs
        return hashlib.sha256(self._content(name)).hexdigest() if lfs is None else lfs.sha256

    def _content(self, name: str) -> bytes:
        if name not in self._read:
            head = self._remote.head or ""
            self._read[name] = file_at(self._api, self._repo, self._repo_type, head, name) or b""
        return self._read[name]


def in_the_way(
    names: Collection[str],
    configs: Mapping[str, Iterable[str]],
    repo: str,
    foreign: Iterable[str],
) -> Iterator[str]:
    """A phrase for each file of somebody else that a release cannot be beside.

    `names` are the release's files and `configs` its splits; both are empty for a checkpoint's.
    """
    folders = {folder for name in names for folder in folders_of(name)}
    loaded = {
        f"{config}/{split}": re.compile(rf"{re.escape(f'{config}/{split}')}-[^/]*")
        for config, splits in configs.items()
        for split in splits
    }
    for name in sorted(foreign):
        split = next((one for one, pattern in loaded.items() if pattern.fullmatch(name)), None)
        if name in folders or any(folder in names for folder in folders_of(name)):
            yield f"{name} is in the place of another file"
        elif configs and name in (*_BESIDE_THE_CARD, f"{repo.partition('/')[2]}.py"):
            yield f"{name} is read in place of the card"
        elif split is not None:
            yield f"{name} would be loaded as rows of {split}"


def foreign_in(names: Iterable[str], package_names: Iterable[str]) -> set[str]:
    """Those of a commit's files that are not of the package, and not the Hub's own."""
    return set(names) - set(package_names) - {LFS_RULES}


def folders_of(name: str) -> Iterator[str]:
    """The folders in which a file of a repository is, from the outside in.

    >>> list(folders_of("a/b/c.txt"))
    ['a', 'a/b']
    """
    parts = name.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts)))

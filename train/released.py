"""Reads a release for training: a folder, or a repository at one commit on the Hub.

`datasets.load_dataset(repo, revision=...)` can return another version than the requested one when
the Hub is unreachable. So the tag is resolved to its commit first, that snapshot is downloaded, and
only files in the release's manifest are read, each verified by its hash.
"""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.errors import BadInput
from builders.files.hashes import sha256_of_file
from builders.files.parquet import open_parquet
from builders.manifest import Manifest, read_manifest
from builders.release.withdrawn import FILE as WITHDRAWN
from builders.release.withdrawn import read_withdrawals

_REPO = re.compile(r"[\w.-]+/[\w.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DEFAULT_CONFIG = {1: "feedback", 2: "preferences"}


@dataclass(frozen=True)
class ReleaseConfig:
    """One config of a release; `repo` and `commit` are None for a local folder."""

    folder: Path
    config: str
    manifest: Manifest
    repo: str | None = None
    commit: str | None = None
    # Why the version was withdrawn, if it was.
    withdrawn: str | None = None

    @property
    def splits(self) -> list[str]:
        return list(self.manifest.configs[self.config])

    @property
    def title(self) -> str:
        """Name, version and config, with repository and commit if it is from the Hub."""
        where = f" from {self.repo} at commit {self.commit}" if self.repo else ""
        return f"{self.manifest.name} {self.manifest.version} ({self.config}){where}"

    def rows(self, split: str) -> Iterator[dict[str, Any]]:
        """The rows of a split in the release's order; none if there is no such split."""
        for path in self.files(split):
            for batch in open_parquet(self.folder / path).iter_batches(batch_size=256):
                yield from batch.to_pylist()

    def facts(self) -> dict[str, Any]:
        """What a checkpoint records about its training data."""
        return {
            "name": self.manifest.name,
            "version": self.manifest.version,
            "license": self.manifest.terms,
            "language": self.manifest.language,
            "stage": self.manifest.stage,
            "config": self.config,
            "repo": self.repo,
            "commit": self.commit,
            **({"withdrawn": self.withdrawn} if self.withdrawn else {}),
            "sha256": self.sha256s(),
        }

    def sha256s(self) -> dict[str, str]:
        """The manifest's hash of each file of the config; BadInput if one is missing."""
        files = [path for split in self.splits for path in self.files(split)]
        for path in files:
            if path not in self.manifest.files:
                where = self.folder / "manifest.json"
                raise BadInput(f"{where}: not a release's manifest ({path} is not in its files)")
        return {path: self.manifest.files[path].sha256 for path in files}

    def files(self, split: str) -> list[str]:
        """The paths of a split's files in the folder; none if there is no such split."""
        splits = self.manifest.configs[self.config]
        return splits[split].files if split in splits else []


def open_release(
    release: str, revision: str | None, config: str | None, *, stage: int | None = None
) -> ReleaseConfig:
    """The `config` of a release in a folder or a Hub repository.

    `revision` is a tag, branch or commit, for the Hub only. `config` defaults to the default of the
    release's stage. A version that was withdrawn is warned of (UserWarning). BadInput if there is
    no such release or config, or if a file of the config does not have the hash in the manifest.
    """
    if Path(release).expanduser().is_dir():
        if revision is not None:
            raise BadInput(f"revision: {release} is a folder; a revision is only for the Hub")
        folder, repo, commit = Path(release).expanduser(), None, None
    elif _REPO.fullmatch(release):
        repo = release
        folder, commit = _downloaded(repo, revision, config)
    else:
        raise BadInput(f"release: {release} is neither a folder nor the ORG/NAME of a dataset")
    manifest = read_manifest(folder)
    if stage is not None and manifest.stage != stage:
        raise BadInput(
            f"release: {release} is a stage-{manifest.stage} release; use "
            f"train/stage{manifest.stage}.py"
        )
    config = config or _DEFAULT_CONFIG[manifest.stage]
    if config not in manifest.configs:
        raise BadInput(
            f"dataset_config: {release} has no {config!r}; it has {', '.join(manifest.configs)}"
        )
    withdrawn = None if repo is None else _withdrawn(repo, manifest.version)
    if withdrawn is not None:
        warnings.warn(
            f"{repo} {manifest.tag} was withdrawn: {withdrawn}", UserWarning, stacklevel=2
        )
    opened = ReleaseConfig(folder, config, manifest, repo, commit, withdrawn)
    for path, digest in opened.sha256s().items():
        file = folder / path
        if not file.is_file() or sha256_of_file(file) != digest:
            raise BadInput(f"release: {file} is missing or is not the released file")
    return opened


def _withdrawn(repo: str, version: str) -> str | None:
    """Why a version is withdrawn, by what the main branch says now; None where nobody can tell."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        path = hf_hub_download(repo, WITHDRAWN, repo_type="dataset", revision="main")
    except (EntryNotFoundError, LocalEntryNotFoundError, OSError):
        return None
    found = read_withdrawals(Path(path).read_bytes()).get(version)
    return None if found is None else f"{found.reason} ({found.date})"


def _downloaded(repo: str, revision: str | None, config: str | None) -> tuple[Path, str]:
    """(folder, commit) of a snapshot that has this config."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import OfflineModeIsEnabled

    try:
        is_commit = revision and _COMMIT.fullmatch(revision)
        commit = revision if is_commit else HfApi().dataset_info(repo, revision=revision).sha
        folder = snapshot_download(
            repo,
            repo_type="dataset",
            revision=commit,
            allow_patterns=["manifest.json", "README.md", f"{config or '*'}/*"],
        )
    except OfflineModeIsEnabled:
        raise BadInput(
            f"release: HF_HUB_OFFLINE is set, so {revision or 'main'} of {repo} cannot be resolved "
            "to a commit; use the folder of a downloaded snapshot"
        ) from None
    # The Hub client's HTTP library raises its own exceptions, too.
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadInput(f"release: {repo} at {revision or 'main'}: {reason}") from None
    return Path(folder), commit

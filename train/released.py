"""A release as training reads it: a folder, or a repository at one commit of the Hub.

`datasets.load_dataset(repo, revision=...)` can give another version than the one asked for when
the Hub is out of reach. So a tag is resolved to its commit first, that snapshot is downloaded,
and what is read are the files that the release's manifest names, each with its hash.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from builders.errors import BadInput
from builders.release.manifest import Manifest, read_manifest

_REPO = re.compile(r"[\w.-]+/[\w.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Released:
    """One config of a release; `repo` and `commit` are None for a folder of this machine."""

    folder: Path
    config: str
    manifest: Manifest
    repo: str | None = None
    commit: str | None = None

    @property
    def splits(self) -> list[str]:
        return list(self.manifest.configs[self.config])

    @property
    def title(self) -> str:
        """Name, version, config and, from the Hub, the commit: what a run says it trains on."""
        where = f" from {self.repo} at commit {self.commit}" if self.repo else ""
        return f"{self.manifest.name} {self.manifest.version} ({self.config}){where}"

    def rows(self, split: str) -> Iterator[dict[str, Any]]:
        """The rows of a split in the release's order; none where it has no such split."""
        for path in self._files(split):
            for batch in pq.ParquetFile(self.folder / path).iter_batches(batch_size=256):
                yield from batch.to_pylist()

    def facts(self) -> dict[str, Any]:
        """What a checkpoint records of where its rows came from."""
        return {
            "name": self.manifest.name,
            "version": self.manifest.version,
            "licence": self.manifest.licence,
            "language": self.manifest.language,
            "stage": self.manifest.stage,
            "config": self.config,
            "repo": self.repo,
            "commit": self.commit,
            "sha256": self.sha256s(),
        }

    def sha256s(self) -> dict[str, str]:
        """What the manifest says of each file of the config; BadInput where it does not."""
        files = [path for split in self.splits for path in self._files(split)]
        for path in files:
            if path not in self.manifest.files:
                where = self.folder / "manifest.json"
                raise BadInput(f"{where}: not a release's manifest ({path} is not in its files)")
        return {path: self.manifest.files[path].sha256 for path in files}

    def _files(self, split: str) -> list[str]:
        splits = self.manifest.configs[self.config]
        return splits[split].files if split in splits else []


def open_release(release: str, revision: str | None, config: str, *, stage: int) -> Released:
    """The `config` of a release in a folder or a Hub repository; BadInput where it is not one.

    `revision` is a tag, branch or commit, for the Hub only. Every file of the config is read
    once and compared with the manifest's hash.
    """
    if Path(release).expanduser().is_dir():
        if revision is not None:
            raise BadInput(f"revision: {release} is a folder, and a folder has one version")
        folder, repo, commit = Path(release).expanduser(), None, None
    elif _REPO.fullmatch(release):
        repo = release
        folder, commit = _downloaded(repo, revision, config)
    else:
        raise BadInput(f"release: {release} is neither a folder nor the ORG/NAME of a dataset")
    manifest = read_manifest(folder)
    if manifest.stage != stage:
        raise BadInput(
            f"release: {release} is of stage {manifest.stage}; train/stage{manifest.stage}.py "
            "trains on it"
        )
    if config not in manifest.configs:
        raise BadInput(
            f"dataset_config: {release} has no {config!r}; it has {', '.join(manifest.configs)}"
        )
    found = Released(folder, config, manifest, repo, commit)
    for path, digest in found.sha256s().items():
        if _sha256(folder / path) != digest:
            raise BadInput(f"release: {folder / path} is not the file that was released")
    return found


def _downloaded(repo: str, revision: str | None, config: str) -> tuple[Path, str]:
    """The folder of a snapshot, and its commit."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import OfflineModeIsEnabled

    try:
        known = revision and _COMMIT.fullmatch(revision)
        commit = revision if known else HfApi().dataset_info(repo, revision=revision).sha
        folder = snapshot_download(
            repo,
            repo_type="dataset",
            revision=commit,
            allow_patterns=["manifest.json", "README.md", f"{config}/*"],
        )
    except OfflineModeIsEnabled:
        raise BadInput(
            f"release: HF_HUB_OFFLINE is set, so nobody can say which commit {revision or 'main'} "
            f"of {repo} is; give the folder of a downloaded snapshot"
        ) from None
    # The transport below the Hub's client has exceptions of its own.
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadInput(f"release: {repo} at {revision or 'main'}: {reason}") from None
    return Path(folder), commit


def _sha256(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

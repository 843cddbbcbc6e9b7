"""A release as training reads it: a folder, or a repository at one commit of the Hub.

`datasets.load_dataset(repo, revision=...)` can give another version than the one asked for when
the Hub is out of reach. So a tag is resolved to its commit first, that snapshot is downloaded,
and what is read are the files that the release's manifest names, each with its hash.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from builders.errors import BadInput

_REPO = re.compile(r"[\w.-]+/[\w.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Released:
    """One config of a release; `repo` and `commit` are None for a folder of this machine."""

    folder: Path
    config: str
    manifest: dict[str, Any]
    repo: str | None = None
    commit: str | None = None

    @property
    def splits(self) -> list[str]:
        return list(self.manifest["configs"][self.config])

    @property
    def title(self) -> str:
        """Name, version, config and, from the Hub, the commit: what a run says it trains on."""
        where = f" from {self.repo} at commit {self.commit}" if self.repo else ""
        return f"{self.manifest['name']} {self.manifest['version']} ({self.config}){where}"

    def rows(self, split: str) -> Iterator[dict[str, Any]]:
        """The rows of a split in the release's order; none where it has no such split."""
        for path in self._files(split):
            for batch in pq.ParquetFile(self.folder / path).iter_batches(batch_size=256):
                yield from batch.to_pylist()

    def facts(self) -> dict[str, Any]:
        """What a checkpoint records of where its rows came from."""
        files = [path for split in self.splits for path in self._files(split)]
        return {
            "name": self.manifest["name"],
            "version": self.manifest["version"],
            "licence": self.manifest["licence"],
            "language": self.manifest["language"],
            "stage": self.manifest["stage"],
            "config": self.config,
            "repo": self.repo,
            "commit": self.commit,
            "sha256": {path: self.manifest["files"][path]["sha256"] for path in files},
        }

    def _files(self, split: str) -> list[str]:
        return self.manifest["configs"][self.config].get(split, {}).get("files", [])


def open_release(release: str, revision: str | None, config: str, *, stage: int) -> Released:
    """The `config` of a release in a folder or a Hub repository; BadInput where it is not one.

    `revision` is a tag, branch or commit, for the Hub only. Every file of the config is read
    once and compared with the manifest's hash.
    """
    if Path(release).expanduser().is_dir():
        if revision is not None:
            raise BadInput(f"revision: {release} is a folder, and a folder has one version")
        found = Released(Path(release).expanduser(), config, {})
    elif _REPO.fullmatch(release):
        found = _downloaded(release, revision, config)
    else:
        raise BadInput(f"release: {release} is neither a folder nor the ORG/NAME of a dataset")
    found = replace(found, manifest=_manifest(found, release, stage))
    for path, digest in found.facts()["sha256"].items():
        if _sha256(found.folder / path) != digest:
            raise BadInput(f"release: {found.folder / path} is not the file that was released")
    return found


def _manifest(found: Released, release: str, stage: int) -> dict[str, Any]:
    path = found.folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        configs, released_stage = manifest["configs"], manifest["stage"]
        if found.config in configs:
            replace(found, manifest=manifest).facts()
    except FileNotFoundError:
        raise BadInput(f"release: {release} has no manifest.json; it is not a release") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadInput(f"release: {path} is not a release's manifest") from None
    if released_stage != stage:
        raise BadInput(
            f"release: {release} is of stage {released_stage}; train/stage{released_stage}.py "
            "trains on it"
        )
    if found.config not in configs:
        raise BadInput(
            f"dataset_config: {release} has no {found.config!r}; it has {', '.join(configs)}"
        )
    return manifest


def _downloaded(repo: str, revision: str | None, config: str) -> Released:
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
    return Released(Path(folder), config, {}, repo, commit)


def _sha256(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""What a repository has: its main branch, its tags, and the files of any commit."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile

from builders.release.withdrawn import FILE as WITHDRAWN
from builders.release.withdrawn import Withdrawal, read_withdrawals
from builders.versions import Version, version_of_tag
from pipelines.hub.package import LocalFile


@dataclass(frozen=True)
class Remote:
    """The main branch of a repository. `head` is None if the repository does not exist."""

    head: str | None = None
    private: bool = False
    gated: str | bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, RepoFile] = field(default_factory=dict)

    @property
    def versions(self) -> dict[Version, str]:
        """The tags that are versions, the latest first."""
        found = {version: tag for tag in self.tags if (version := version_of_tag(tag)) is not None}
        return dict(sorted(found.items(), reverse=True))


def is_same(local: LocalFile, remote: RepoFile) -> bool:
    if remote.lfs is not None:
        return remote.lfs.sha256 == local.sha256
    return remote.blob_id == local.git_sha1


def files_at(api: HfApi, repo: str, repo_type: str, revision: str) -> dict[str, RepoFile]:
    tree = api.list_repo_tree(repo, recursive=True, revision=revision, repo_type=repo_type)
    return {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}


def file_at(api: HfApi, repo: str, repo_type: str, revision: str, name: str) -> bytes | None:
    """The content of a small file; None if the revision has no such file."""
    with tempfile.TemporaryDirectory(prefix="srt-file-") as folder:
        try:
            path = api.hf_hub_download(
                repo, name, repo_type=repo_type, revision=revision, local_dir=folder
            )
        except EntryNotFoundError:
            return None
        return Path(path).read_bytes()


def withdrawal_of(api: HfApi, repo: str, version: str) -> Withdrawal | None:
    """Why a version of a dataset is withdrawn, by what the main branch says; None if it is not."""
    return read_withdrawals(file_at(api, repo, "dataset", "main", WITHDRAWN)).get(version)


def commit_of(api: HfApi, repo: str, repo_type: str, revision: str | None = None) -> str:
    """The SHA of a tag or branch, by default of the main branch."""
    return api.repo_info(repo, repo_type=repo_type, revision=revision).sha


def tags_of(api: HfApi, repo: str, repo_type: str) -> dict[str, str]:
    """The target of each tag: a commit, or the tag object if it has a message."""
    refs = api.list_repo_refs(repo, repo_type=repo_type)
    return {tag.name: tag.target_commit for tag in refs.tags}


def read_remote(api: HfApi, repo: str, repo_type: str) -> Remote:
    try:
        info = api.repo_info(repo, repo_type=repo_type)
    except RepositoryNotFoundError:
        return Remote()
    return Remote(
        info.sha,
        bool(info.private),
        info.gated or False,
        tags_of(api, repo, repo_type),
        files_at(api, repo, repo_type, info.sha),
    )

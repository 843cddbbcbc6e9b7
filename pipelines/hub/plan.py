"""What publishing would do: the package compared with what the Hub holds, nothing downloaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile

from builders.errors import BadInput
from pipelines.hub.client import hub_errors
from pipelines.hub.package import LocalFile, Package
from pipelines.hub.tags import version_of

# The Hub's own, written when it makes a repository: it says what goes into LFS.
_KEPT = ".gitattributes"

# What is left to do: all of it, the tag on a commit that is there, or nothing.
Todo = Literal["commit", "tag", "nothing"]


@dataclass(frozen=True)
class Remote:
    """A repository's main branch; `head` is None where there is no repository."""

    head: str | None = None
    private: bool = False
    gated: str | bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, RepoFile] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The names of files by what would happen to them; `commit` is the one that has them all."""

    package: Package
    repo: str
    remote: Remote
    todo: Todo
    commit: str | None = None
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()

    @property
    def uploads(self) -> tuple[str, ...]:
        return self.new + self.changed

    @property
    def upload_bytes(self) -> int:
        return sum(self.package.files[name].size for name in self.uploads)

    def facts(self) -> dict[str, Any]:
        """The plan for machines."""
        return {
            "repo": self.repo,
            "repo_type": self.package.repo_type,
            "tag": self.package.tag,
            "todo": self.todo,
            "head": self.remote.head,
            "tags": dict(self.remote.tags),
            "new": list(self.new),
            "changed": list(self.changed),
            "deleted": list(self.deleted),
            "upload_bytes": self.upload_bytes,
        }


def is_same(local: LocalFile, remote: RepoFile) -> bool:
    if remote.lfs is not None:
        return remote.lfs.sha256 == local.sha256
    return remote.blob_id == local.git_sha1


def holds(files: Mapping[str, RepoFile], package: Package) -> bool:
    """Whether a commit with these files is the package, and nothing beside it."""
    return files.keys() - {_KEPT} == package.files.keys() and all(
        is_same(local, files[name]) for name, local in package.files.items()
    )


def files_at(api: HfApi, repo: str, repo_type: str, revision: str) -> dict[str, RepoFile]:
    tree = api.list_repo_tree(repo, recursive=True, revision=revision, repo_type=repo_type)
    return {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}


def commit_of(api: HfApi, repo: str, repo_type: str, revision: str | None = None) -> str:
    """The SHA that a tag or branch is at; by default the main branch."""
    return api.repo_info(repo, repo_type=repo_type, revision=revision).sha


def tags_of(api: HfApi, repo: str, repo_type: str) -> dict[str, str]:
    """What each tag is on: its commit, or the tag object of one that has a message."""
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


def make_plan(api: HfApi, package: Package, repo: str) -> Plan:
    """Compare `package` with the repository; BadInput where its tag cannot be given to it."""
    with hub_errors(api, repo):
        remote = read_remote(api, repo, package.repo_type)
        if package.tag in remote.tags:
            commit = commit_of(api, repo, package.repo_type, package.tag)
            if holds(files_at(api, repo, package.repo_type, commit), package):
                return Plan(package, repo, remote, "nothing", commit)
            raise BadInput(
                f"{repo} has a {package.tag} with other content, and a tag is never moved; "
                "choose a new version"
            )
    _check_goes_forward(package.tag, remote.tags, repo)
    if holds(remote.files, package):
        return Plan(package, repo, remote, "tag", remote.head)
    here, there = package.files, remote.files
    return Plan(
        package,
        repo,
        remote,
        "commit",
        new=tuple(sorted(here.keys() - there.keys())),
        changed=tuple(
            name for name in sorted(here.keys() & there) if not is_same(here[name], there[name])
        ),
        deleted=tuple(sorted(there.keys() - here.keys() - {_KEPT})),
    )


def _check_goes_forward(tag: str, tags: Mapping[str, str], repo: str) -> None:
    released = {version: name for name in tags if (version := version_of(name)) is not None}
    version = version_of(tag)
    if released and version is not None and version <= max(released):
        raise BadInput(
            f"{repo} is at {released[max(released)]}, and versions go forward; {tag} would not"
        )

"""What publishing would do: the package compared with the repository, without a download."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile

from builders.errors import BadInput
from builders.versions import version_of_tag
from pipelines.hub.errors import hub_errors
from pipelines.hub.package import LocalFile, Package

# Written by the Hub when it creates a repository: which files go into LFS.
_LFS_RULES = ".gitattributes"

# What is left to do: everything, the tag of an existing commit, or nothing.
Todo = Literal["commit", "tag", "nothing"]


@dataclass(frozen=True)
class Remote:
    """The main branch of a repository. `head` is None if the repository does not exist."""

    head: str | None = None
    private: bool = False
    gated: str | bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, RepoFile] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishPlan:
    """File names by what would happen to them. `commit` is the one that has them already."""

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
        """The plan as JSON-able facts."""
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
    """Whether a commit with these files is the package, with nothing missing or added."""
    return files.keys() - {_LFS_RULES} == package.files.keys() and all(
        is_same(local, files[name]) for name, local in package.files.items()
    )


def files_at(api: HfApi, repo: str, repo_type: str, revision: str) -> dict[str, RepoFile]:
    tree = api.list_repo_tree(repo, recursive=True, revision=revision, repo_type=repo_type)
    return {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}


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


def make_plan(
    api: HfApi, package: Package, repo: str, released: Package | None = None
) -> PublishPlan:
    """Compare `package` with the repository; BadInput if its tag is taken or goes backward.

    A tag that has the files as they were `released` is complete too: once, that was published.
    """
    with hub_errors(api, repo):
        remote = read_remote(api, repo, package.repo_type)
        if package.tag in remote.tags:
            commit = commit_of(api, repo, package.repo_type, package.tag)
            tagged = files_at(api, repo, package.repo_type, commit)
            if any(holds(tagged, one) for one in (package, released) if one is not None):
                return PublishPlan(package, repo, remote, "nothing", commit)
            raise BadInput(
                f"{repo} has {package.tag} with different content, and a tag is never moved; "
                "choose a new version"
            )
    _check_goes_forward(package.tag, remote.tags, repo)
    if holds(remote.files, package):
        return PublishPlan(package, repo, remote, "tag", remote.head)
    local, present = package.files, remote.files
    return PublishPlan(
        package,
        repo,
        remote,
        "commit",
        new=tuple(sorted(local.keys() - present.keys())),
        changed=tuple(
            name
            for name in sorted(local.keys() & present.keys())
            if not is_same(local[name], present[name])
        ),
        deleted=tuple(sorted(present.keys() - local.keys() - {_LFS_RULES})),
    )


def _check_goes_forward(tag: str, tags: Mapping[str, str], repo: str) -> None:
    released = {version: name for name in tags if (version := version_of_tag(name)) is not None}
    version = version_of_tag(tag)
    if released and version is not None and version <= max(released):
        raise BadInput(f"{repo} is at {released[max(released)]}; {tag} would go backward")

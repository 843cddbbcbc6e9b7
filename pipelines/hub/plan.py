"""What publishing would do: the package compared with the repository; nothing is written."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from huggingface_hub import HfApi
from huggingface_hub.hf_api import RepoFile

from builders.errors import BadInput
from builders.release.withdrawn import FILE as WITHDRAWN
from builders.release.withdrawn import read_withdrawals
from builders.versions import version_of_tag
from pipelines.hub.errors import hub_errors
from pipelines.hub.foreign import RemoteFiles, foreign_in, in_the_way
from pipelines.hub.package import CARD, Package, addressed
from pipelines.hub.remote import Remote, commit_of, file_at, files_at, is_same, read_remote

# What is left to do: everything, the tag of an existing commit, or nothing.
Todo = Literal["commit", "tag", "nothing"]


@dataclass(frozen=True)
class PublishPlan:
    """File names by what would happen to them. `commit` is the one that has them already.

    `package` is the folder's release as it will be in the repository, `released` as it is here.

    `foreign` are files in the repository that no version of it published; they stay.
    `card_difference` is a unified diff of the repository's card and the new one where the former
    is not of a version either: then the card is replaced only if the user says so.
    """

    package: Package
    released: Package
    repo: str
    remote: Remote
    todo: Todo
    commit: str | None = None
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    card_difference: str | None = None

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
            "foreign": list(self.foreign),
            "card_difference": self.card_difference,
            "upload_bytes": self.upload_bytes,
        }


def holds(files: Mapping[str, RepoFile], package: Package, deleted: Iterable[str] = ()) -> bool:
    """Whether a commit with these files has the whole package, and nothing that is `deleted`.

    It may have other files beside it.
    """
    return not files.keys() & set(deleted) and all(
        name in files and is_same(local, files[name]) for name, local in package.files.items()
    )


def make_plan(api: HfApi, released: Package, repo: str, *, replace: bool = False) -> PublishPlan:
    """Compare the release or checkpoint with the repository.

    A tag that has the files as they were released is complete too: once, that was published.
    Files that no version of the repository published stay, unless they are to be replaced.

    Raises BadInput if the tag is taken or goes backward, or if a file that stays has the place of
    one of the package, or would be read as one of it.
    """
    with hub_errors(api, repo):
        remote = read_remote(api, repo, released.repo_type)
        if released.tag in remote.tags:
            commit = commit_of(api, repo, released.repo_type, released.tag)
            tagged = files_at(api, repo, released.repo_type, commit)
            package = _addressed(api, released, repo, commit, tagged)
            if any(holds(tagged, one) for one in (package, released)):
                foreign = tuple(sorted(foreign_in(tagged, package.files)))
                return PublishPlan(
                    package, released, repo, remote, "nothing", commit, foreign=foreign
                )
            raise BadInput(
                f"{repo} has {released.tag} with different content, and a tag is never moved; "
                "choose a new version"
            )
        _check_goes_forward(released.tag, remote, repo)
        return _compared(api, released, repo, remote, replace=replace)


def _addressed(
    api: HfApi, released: Package, repo: str, revision: str | None, files: Collection[str]
) -> Package:
    """The release as it stands in the repository, with the withdrawals that `revision` has."""
    withdrawals = None
    if released.manifest is not None and revision is not None and WITHDRAWN in files:
        withdrawals = read_withdrawals(file_at(api, repo, "dataset", revision, WITHDRAWN))
    return addressed(released, repo, withdrawals)


def _compared(
    api: HfApi, released: Package, repo: str, remote: Remote, *, replace: bool
) -> PublishPlan:
    package = _addressed(api, released, repo, remote.head, remote.files)
    local, present = package.files, remote.files
    changed = [
        name
        for name in sorted(local.keys() & present.keys())
        if not is_same(local[name], present[name])
    ]
    gone = sorted(foreign_in(present, local))
    files = RemoteFiles(api, repo, package.repo_type, remote)
    others = set(files.not_published([*changed, *gone]))
    foreign = [] if replace else [name for name in gone if name in others]
    if not replace:
        _check_room(package, repo, foreign, [name for name in changed if name in others])
    difference = None
    if CARD in changed and CARD in others:
        difference = files.card_difference(package.text(CARD))
    new = sorted(local.keys() - present.keys())
    deleted = [name for name in gone if name not in foreign]
    return PublishPlan(
        package,
        released,
        repo,
        remote,
        "commit" if new or changed or deleted else "tag",
        None if new or changed or deleted else remote.head,
        new=tuple(new),
        changed=tuple(changed),
        deleted=tuple(deleted),
        foreign=tuple(foreign),
        card_difference=difference,
    )


def _check_room(
    package: Package, repo: str, foreign: Iterable[str], overwritten: Iterable[str]
) -> None:
    """BadInput if a file of somebody else would be overwritten or read as one of the package."""
    phrases = [
        f"{name} is not as any version here published it, and would be overwritten"
        for name in overwritten
        if name != CARD
    ]
    configs = package.manifest.configs if package.manifest else {}
    phrases += in_the_way(package.files.keys(), configs, repo, foreign)
    if phrases:
        more = f", and {len(phrases) - 1} more" if len(phrases) > 1 else ""
        raise BadInput(f"{repo}: {phrases[0]}{more}; move it, or replace it with --replace")


def _check_goes_forward(tag: str, remote: Remote, repo: str) -> None:
    version = version_of_tag(tag)
    latest = max(remote.versions, default=None)
    if latest is not None and version is not None and version <= latest:
        raise BadInput(f"{repo} is at {remote.versions[latest]}; {tag} would go backward")

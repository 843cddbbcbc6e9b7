"""Publishing: uploads, ONE commit on top of the planned head, a reload by SHA, the tag last.

A commit without a tag is not a release. Whatever interrupts this before the tag, the same command
completes it: it compares again with what the Hub has, and does the rest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

from builders.errors import BadInput, RunFailed, SrtError
from builders.files.scratch import scratch_folder
from builders.wording import counted
from pipelines.hub.client import check_token, is_of_one_repository
from pipelines.hub.errors import hub_errors, is_lost, status_of
from pipelines.hub.package import Package
from pipelines.hub.plan import PublishPlan, holds, make_plan
from pipelines.hub.remote import commit_of, files_at, tags_of
from pipelines.hub.snapshot import download, loaded_beside, wrong_configs, wrong_files
from pipelines.hub.xet import by_xet, offers_xet, without_xet

Gated = Literal["auto", "manual"]
FileOperation = CommitOperationAdd | CommitOperationDelete


@dataclass(frozen=True)
class RepositorySettings:
    """How the repository should be set up; None leaves a setting as it is.

    `replace` deletes and overwrites files that no version of the repository published, and
    `replace_card` a card that is not the last version's.
    """

    private: bool = False
    gated: Gated | None = None
    collection: str | None = None
    replace: bool = False
    replace_card: bool = False


class PublishObserver(Protocol):
    """Follows a publication: `stage` in words, and the bytes `sent` of each file so far."""

    def stage(self, sentence: str) -> None: ...

    def sent(self, name: str, total: int) -> None: ...


def plan_publishing(
    api: HfApi,
    package: Package,
    repo: str,
    settings: RepositorySettings,
    check: Callable[[Path], None] | None = None,
) -> PublishPlan:
    """Compare the package with the repository; nothing is written.

    `check` runs the gate again on the folder as it is now, and raises GateRefused.
    """
    if check is not None:
        check(package.folder)
    check_token(api, repo)
    plan = make_plan(api, package, repo, replace=settings.replace)
    _check_private(plan, settings)
    if plan.remote.head is None and is_of_one_repository(api):
        raise BadInput(
            f"{repo} does not exist, and this token is for one repository that does: create it "
            "once on the Hub's page, with its trusted publisher"
        )
    return plan


def _check_private(plan: PublishPlan, settings: RepositorySettings) -> None:
    if settings.private and plan.remote.head is not None and not plan.remote.private:
        raise BadInput(
            f"--private: {plan.repo} exists and is public; make it private on its "
            "settings page, or leave --private out"
        )


def check_card(plan: PublishPlan, settings: RepositorySettings) -> None:
    """BadInput if a card that somebody else wrote would be replaced, and nobody said so."""
    if plan.card_difference is not None and not settings.replace_card:
        raise BadInput(
            f"{plan.repo}: its README.md is not the card of the last version; --dry-run shows how "
            "it differs from the new one, and --replace-card replaces it"
        )


def publish(
    api: HfApi, plan: PublishPlan, settings: RepositorySettings, observer: PublishObserver
) -> str:
    """Do what the plan has left to do; the commit's SHA.

    RunFailed if the Hub, the connection or another publisher stopped it. A new plan completes it.
    """
    repo = plan.repo
    with hub_errors(api, repo):
        plan = _prepared(api, plan, settings, observer)
        package = plan.package
        check_card(plan, settings)
        commit = plan.commit or _commit(api, plan, _uploaded(api, plan, observer), observer)
    if plan.todo != "nothing":
        observer.stage(f"reloading commit {commit[:12]} to compare it")
        _reload(api, plan, commit)
        with hub_errors(api, repo):
            observer.stage(f"tagging {package.tag}")
            commit = _tag(api, package, repo, commit)
    if settings.collection is not None:
        try:
            with hub_errors(api, settings.collection):
                api.add_collection_item(
                    settings.collection, repo, package.repo_type, exists_ok=True
                )
        except SrtError as error:
            raise RunFailed(f"{repo}@{package.tag} is published, its collection: {error}") from None
    return commit


def _prepared(
    api: HfApi, plan: PublishPlan, settings: RepositorySettings, observer: PublishObserver
) -> PublishPlan:
    """The plan once the repository exists and is as private and gated as it should be.

    Both come before the content, which could be read by everybody otherwise for a moment.
    """
    if plan.remote.head is None:
        observer.stage(f"creating {plan.repo}")
        api.create_repo(
            plan.repo,
            repo_type=plan.package.repo_type,
            private=settings.private or None,
            exist_ok=True,
        )
        # Another publisher may have created it meanwhile.
        plan = make_plan(api, plan.released, plan.repo, replace=settings.replace)
        _check_private(plan, settings)
    if settings.gated is not None and plan.remote.gated != settings.gated:
        api.update_repo_settings(plan.repo, gated=settings.gated, repo_type=plan.package.repo_type)
    return plan


class _Watched(FileIO):
    """A file that reports how far it was read; a retry reads it again from the start."""

    def __init__(self, path: str, report: Callable[[int], None]) -> None:
        super().__init__(path)
        self._report = report

    def read(self, size: int | None = -1) -> bytes:
        block = super().read(-1 if size is None else size)
        self._report(self.tell())
        return block


class _Addition(CommitOperationAdd):
    """An addition that reports to its observer how much of it was sent."""

    observer: PublishObserver | None = None

    @contextmanager
    def as_file(self, with_tqdm: bool = False) -> Iterator[BinaryIO]:
        # The client passes `with_tqdm` only for the read that uploads the file.
        is_path = isinstance(self.path_or_fileobj, str)
        if not with_tqdm or self.observer is None or not is_path:
            with super().as_file() as file:
                yield file
            return
        report = partial(self.observer.sent, self.path_in_repo)
        with _Watched(str(self.path_or_fileobj), report) as file:
            yield file


def _uploaded(api: HfApi, plan: PublishPlan, observer: PublishObserver) -> list[FileOperation]:
    """The operations of the commit, after uploading those large files that the Hub lacks."""
    additions = []
    for name in plan.uploads:
        file = plan.package.files[name]
        addition = _Addition(name, file.content or str(file.path))
        addition.observer = observer
        additions.append(addition)
    if additions:
        observer.stage(f"uploading {counted(len(additions), 'file')}")
        if offers_xet(api, plan.repo, plan.package.repo_type):
            _upload_chunks(api, plan, additions, observer)
        else:
            with without_xet:
                for addition in additions:
                    _upload(api, plan, [addition])
                    name = addition.path_in_repo
                    observer.sent(name, plan.package.files[name].size)
    return [*(CommitOperationDelete(name, is_folder=False) for name in plan.deleted), *additions]


def _upload_chunks(
    api: HfApi,
    plan: PublishPlan,
    additions: Sequence[CommitOperationAdd],
    observer: PublishObserver,
) -> None:
    """Upload all large files at once by Xet, which looks for the same chunks in all of them."""
    files = plan.package.files
    names = {str(files[name].path): name for name in plan.uploads}
    new_bytes = 0

    def report(done: Mapping[str, int], transferred: int) -> None:
        nonlocal new_bytes
        new_bytes = max(new_bytes, transferred)
        for path, size in done.items():
            if path in names:
                observer.sent(names[path], size)

    with by_xet(plan.repo, report):
        _upload(api, plan, additions)
    for name in plan.uploads:
        observer.sent(name, files[name].size)
    observer.stage(f"of {plan.upload_bytes:,} bytes, {new_bytes:,} were new to the Hub")


def _upload(api: HfApi, plan: PublishPlan, additions: Sequence[CommitOperationAdd]) -> None:
    try:
        api.preupload_lfs_files(
            plan.repo,
            additions,
            repo_type=plan.package.repo_type,
            free_memory=False,
            # A .gitignore in the repository would leave files out without a word.
            gitignore_content="",
        )
    except RuntimeError as error:
        # The client wraps the error that ended an upload.
        raise error.__cause__ or error from None


def _commit(
    api: HfApi,
    plan: PublishPlan,
    operations: list[FileOperation],
    observer: PublishObserver,
) -> str:
    """Commit once; the SHA. If the answer is lost, look whether the commit exists."""
    repo, repo_type, parent = plan.repo, plan.package.repo_type, plan.remote.head
    observer.stage(f"committing {len(operations)} changes")
    for last in (False, True):
        try:
            commit = api.create_commit(
                repo,
                operations,
                commit_message=f"Release {plan.package.tag}",
                repo_type=repo_type,
                parent_commit=parent,
            )
            return commit.oid
        except Exception as error:
            moved = status_of(error) == HTTPStatus.PRECONDITION_FAILED
            if not moved and not is_lost(error):
                raise
            # The commit may exist although its answer was lost: repeating could make it twice.
            head = commit_of(api, repo, repo_type)
            if head != parent:
                if holds(files_at(api, repo, repo_type, head), plan.package, plan.deleted):
                    return head
                raise RunFailed(
                    f"{repo}: another publisher moved it from {parent} to {head} meanwhile, "
                    "without this release: look at their commit, then run this again"
                ) from None
            if last or moved:
                raise
    raise AssertionError("the second attempt returns or raises")


def _reload(api: HfApi, plan: PublishPlan, commit: str) -> None:
    """Download `commit` into an empty folder; RunFailed unless it equals the package.

    Files of somebody else beside it are not downloaded.
    """
    package, repo = plan.package, plan.repo
    with scratch_folder("reload") as scratch:
        folder, cache = scratch / "files", scratch / "cache"
        with hub_errors(api, repo):
            snapshot = download(api, repo, package.repo_type, commit, folder, plan.foreign)
        wrong = list(wrong_files(snapshot, package.hashes))
        if not wrong and package.manifest is not None:
            wrong = list(wrong_configs(snapshot, package.manifest.configs, cache))
            wrong += loaded_beside(snapshot, plan.foreign, scratch / "listing")
    if wrong:
        raise RunFailed(
            f"{repo}: commit {commit} is not what was sent, and gets no tag: {'; '.join(wrong)}"
        )


def _tag(api: HfApi, package: Package, repo: str, commit: str) -> str:
    """Tag `commit`; the commit that has the tag."""
    for last in (False, True):
        try:
            api.create_tag(repo, tag=package.tag, revision=commit, repo_type=package.repo_type)
            return commit
        except Exception as error:
            if status_of(error) != HTTPStatus.CONFLICT and not is_lost(error):
                raise
            if package.tag in tags_of(api, repo, package.repo_type):
                tagged = commit_of(api, repo, package.repo_type, package.tag)
                if holds(files_at(api, repo, package.repo_type, tagged), package):
                    return tagged
                raise RunFailed(
                    f"{repo}: another publisher gave {package.tag} to commit {tagged} meanwhile; "
                    "choose a new version"
                ) from None
            if last:
                raise
    raise AssertionError("the second attempt returns or raises")

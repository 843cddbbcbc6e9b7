"""Publishing: uploads, ONE commit on the head that was looked at, a reload by SHA, the tag last.

A commit without a tag is not a release. Whatever ends this before the tag, the same call
completes it: what the Hub holds is looked at again and the rest is done.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError

from builders.errors import BadInput, RunFailed, SrtError
from pipelines.hub.client import check_token, hub_errors, is_lost
from pipelines.hub.package import Package
from pipelines.hub.plan import Plan, commit_of, files_at, holds, make_plan, tags_of
from pipelines.hub.snapshot import download, wrong_configs, wrong_files

Operation = CommitOperationAdd | CommitOperationDelete
# Raises GateRefused where the folder may not be published.
Check = Callable[[Path], None]


@dataclass(frozen=True)
class Wishes:
    """How the repository is to be; None leaves it as it is."""

    private: bool = False
    gated: Literal["auto", "manual"] | None = None
    collection: str | None = None


class Observer(Protocol):
    """Told what is being done: a stage in words, and the bytes of a file sent so far."""

    def stage(self, sentence: str) -> None: ...

    def sent(self, name: str, total: int) -> None: ...


def plan_publishing(
    api: HfApi, package: Package, repo: str, wishes: Wishes, check: Check | None = None
) -> Plan:
    """What would be done; nothing is written anywhere.

    `check` is the gate, run once more on the folder as it is now.
    """
    if check is not None:
        check(package.folder)
    check_token(api, repo)
    plan = make_plan(api, package, repo)
    _check_private(plan, wishes)
    return plan


def _check_private(plan: Plan, wishes: Wishes) -> None:
    if wishes.private and plan.remote.head is not None and not plan.remote.private:
        raise BadInput(
            f"--private: {plan.repo} exists and is public; its settings page changes that, or "
            "leave --private out"
        )


def publish(api: HfApi, plan: Plan, wishes: Wishes, observer: Observer) -> str:
    """Do what is left of `plan`; the commit's SHA.

    RunFailed where the Hub, the way to it or another publisher stopped it: calling it again with
    a new plan goes on from there.
    """
    package, repo = plan.package, plan.repo
    with hub_errors(api, repo):
        plan = _prepared(api, plan, wishes, observer)
        commit = plan.commit or _commit(api, plan, _uploaded(api, plan, observer), observer)
    if plan.todo != "nothing":
        observer.stage(f"reloading commit {commit[:12]} to compare it")
        _reload(api, package, repo, commit)
        with hub_errors(api, repo):
            observer.stage(f"tagging {package.tag}")
            commit = _tag(api, package, repo, commit)
    if wishes.collection is not None:
        try:
            with hub_errors(api, wishes.collection):
                api.add_collection_item(wishes.collection, repo, package.repo_type, exists_ok=True)
        except SrtError as error:
            raise RunFailed(f"{repo}@{package.tag} is published, its collection: {error}") from None
    return commit


def _prepared(api: HfApi, plan: Plan, wishes: Wishes, observer: Observer) -> Plan:
    """The plan for the repository, which exists now and is as private and gated as wished.

    Both come before the content: afterwards there would be a moment in which all can read it.
    """
    if plan.remote.head is None:
        observer.stage(f"creating {plan.repo}")
        api.create_repo(
            plan.repo,
            repo_type=plan.package.repo_type,
            private=wishes.private or None,
            exist_ok=True,
        )
        # Somebody else may have made it meanwhile.
        plan = make_plan(api, plan.package, plan.repo)
        _check_private(plan, wishes)
    if wishes.gated is not None and plan.remote.gated != wishes.gated:
        api.update_repo_settings(plan.repo, gated=wishes.gated, repo_type=plan.package.repo_type)
    return plan


class _Watched(FileIO):
    """A file whose reading is told; a retry of the upload starts again from its beginning."""

    def __init__(self, path: str, told: Callable[[int], None]) -> None:
        super().__init__(path)
        self._told = told

    def read(self, size: int | None = -1) -> bytes:
        block = super().read(-1 if size is None else size)
        self._told(self.tell())
        return block


class _Addition(CommitOperationAdd):
    """One that tells its observer what has been sent of it."""

    observer: Observer | None = None

    @contextmanager
    def as_file(self, with_tqdm: bool = False) -> Iterator[BinaryIO]:
        # The client wants a progress bar for the one reading that sends the file away.
        if not with_tqdm or self.observer is None:
            with super().as_file() as file:
                yield file
            return
        told = partial(self.observer.sent, self.path_in_repo)
        with _Watched(str(self.path_or_fileobj), told) as file:
            yield file


def _uploaded(api: HfApi, plan: Plan, observer: Observer) -> list[Operation]:
    """What the commit is to do; the large files are at the Hub already, those it had not sent."""
    operations: list[Operation] = [
        CommitOperationDelete(name, is_folder=False) for name in plan.deleted
    ]
    observer.stage(f"uploading {len(plan.uploads)} files")
    for name in plan.uploads:
        file = plan.package.files[name]
        addition = _Addition(name, str(file.path))
        addition.observer = observer
        try:
            api.preupload_lfs_files(
                plan.repo,
                [addition],
                repo_type=plan.package.repo_type,
                free_memory=False,
                # The repository's own, which the commit deletes, would silently leave files out.
                gitignore_content="",
            )
        except RuntimeError as error:
            # The client wraps what ended an upload.
            raise error.__cause__ or error from None
        observer.sent(name, file.size)
        operations.append(addition)
    return operations


def _commit(api: HfApi, plan: Plan, operations: list[Operation], observer: Observer) -> str:
    """The SHA of the commit, which happens once, or is found to have happened."""
    repo, repo_type, parent = plan.repo, plan.package.repo_type, plan.remote.head
    observer.stage(f"committing {len(operations)} changes")
    for last in (False, True):
        try:
            made = api.create_commit(
                repo,
                operations,
                commit_message=f"Release {plan.package.tag}",
                repo_type=repo_type,
                parent_commit=parent,
            )
            return made.oid
        except Exception as error:
            moved = _status(error) == HTTPStatus.PRECONDITION_FAILED
            if not moved and not is_lost(error):
                raise
            # The answer may be lost and the commit done: to send it again could do it twice.
            head = commit_of(api, repo, repo_type)
            if head != parent:
                if holds(files_at(api, repo, repo_type, head), plan.package):
                    return head
                raise RunFailed(
                    f"{repo}: another publisher moved it from {parent} to {head} meanwhile; "
                    "nothing of this release is in it: look at what they did, then run this again"
                ) from None
            if last or moved:
                raise
    raise AssertionError("the second attempt returns or raises")


def _reload(api: HfApi, package: Package, repo: str, commit: str) -> None:
    """Download `commit` into a fresh folder; RunFailed unless it is the package to the byte."""
    with tempfile.TemporaryDirectory(prefix="srt-reload-") as name:
        with hub_errors(api, repo):
            snapshot = download(api, repo, package.repo_type, commit, Path(name) / "files")
        wrong = list(wrong_files(snapshot, package.hashes))
        if not wrong and package.manifest is not None:
            wrong = list(wrong_configs(snapshot, package.manifest.configs, Path(name) / "cache"))
    if wrong:
        raise RunFailed(
            f"{repo}: commit {commit} is not what was sent, and has no tag: {'; '.join(wrong)}"
        )


def _tag(api: HfApi, package: Package, repo: str, commit: str) -> str:
    """Give `commit` the package's tag; the commit that has it."""
    for last in (False, True):
        try:
            api.create_tag(repo, tag=package.tag, revision=commit, repo_type=package.repo_type)
            return commit
        except Exception as error:
            if _status(error) != HTTPStatus.CONFLICT and not is_lost(error):
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


def _status(error: Exception) -> int | None:
    return error.response.status_code if isinstance(error, HfHubHTTPError) else None

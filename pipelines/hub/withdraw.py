"""Withdrawing a version: one commit on the main branch says so, and its tag stays where it is."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from huggingface_hub import CommitOperationAdd, HfApi

from builders.errors import BadInput, RunFailed
from builders.files.atomic import json_text
from builders.manifest import FILE as MANIFEST
from builders.manifest import parse_manifest
from builders.release.withdrawn import (
    FILE,
    LONGEST_REASON,
    Withdrawal,
    read_withdrawals,
    withdrawals_text,
    withdrawn_card,
    withdrawn_changelog,
)
from builders.versions import version_of_tag
from cards.markdown import one_line
from pipelines.hub.client import check_token, connect
from pipelines.hub.errors import hub_errors, is_lost, status_of
from pipelines.hub.package import CARD
from pipelines.hub.remote import commit_of, file_at, tags_of
from pipelines.hub.verify import read_address

_CHANGELOG = "CHANGELOG.md"


@dataclass(frozen=True)
class PlannedWithdrawal:
    """A version that is to be withdrawn. `files` are the new contents; none if it is already."""

    api: HfApi
    repo: str
    tag: str
    withdrawal: Withdrawal
    head: str
    files: dict[str, bytes] = dataclasses.field(default_factory=dict)

    def carry_out(self) -> str:
        """Commit; the SHA of the main branch. RunFailed if somebody moved it meanwhile."""
        if not self.files:
            return self.head
        with hub_errors(self.api, self.repo):
            return self._commit()

    def _commit(self) -> str:
        operations = [CommitOperationAdd(name, content) for name, content in self.files.items()]
        for last in (False, True):
            try:
                commit = self.api.create_commit(
                    self.repo,
                    operations,
                    commit_message=f"Withdraw {self.tag}",
                    repo_type="dataset",
                    parent_commit=self.head,
                )
                return commit.oid
            except Exception as error:
                moved = status_of(error) == HTTPStatus.PRECONDITION_FAILED
                if not moved and not is_lost(error):
                    raise
                # The commit may exist although its answer was lost.
                head = commit_of(self.api, self.repo, "dataset")
                found = read_withdrawals(file_at(self.api, self.repo, "dataset", head, FILE))
                if head != self.head and found.get(self.tag[1:]) == self.withdrawal:
                    return head
                if last or moved:
                    raise RunFailed(
                        f"{self.repo}: another publisher moved it from {self.head} to {head} "
                        "meanwhile; run this again"
                    ) from None
        raise AssertionError("the second attempt returns or raises")


def plan_withdrawal(release: str, reason: str, *, api: HfApi | None = None) -> PlannedWithdrawal:
    """What withdrawing ORG/NAME@vX.Y.Z would commit; nothing is written.

    BadInput if there is no such version, the reason is empty or too long, or the token will not do.
    """
    repo, tag = read_address(release)
    reason = one_line(reason)
    if not reason or len(reason) > LONGEST_REASON:
        raise BadInput(
            f"--reason: say in up to {LONGEST_REASON} characters why {tag} should not be used"
        )
    api = api or connect()
    check_token(api, repo)
    with hub_errors(api, repo):
        tags = tags_of(api, repo, "dataset")
        if tag not in tags:
            versions = sorted(name for name in tags if version_of_tag(name) is not None)
            raise BadInput(f"{repo} has no version {tag}; it has {', '.join(versions) or 'none'}")
        head = commit_of(api, repo, "dataset")
        names = (MANIFEST, CARD, _CHANGELOG, FILE)
        there = {name: file_at(api, repo, "dataset", head, name) for name in names}
    today = datetime.now(UTC).date().isoformat()
    withdrawals = read_withdrawals(there[FILE])
    earlier = withdrawals.get(tag[1:])
    if earlier is not None and earlier.reason == reason:
        return PlannedWithdrawal(api, repo, tag, earlier, head)
    withdrawal = Withdrawal(reason, today)
    withdrawals[tag[1:]] = withdrawal
    files = {FILE: withdrawals_text(withdrawals).encode()}
    for name, marked in ((CARD, withdrawn_card), (_CHANGELOG, withdrawn_changelog)):
        if (content := there[name]) is not None:
            files[name] = marked(content.decode(errors="replace"), withdrawals).encode()
    if (manifest := there[MANIFEST]) is not None:
        files[MANIFEST] = _with_hashes(manifest, f"{MANIFEST} of {repo}", there, files)
    return PlannedWithdrawal(api, repo, tag, withdrawal, head, files)


def _with_hashes(
    content: bytes, where: str, there: dict[str, bytes | None], files: dict[str, bytes]
) -> bytes:
    """The manifest with the hashes of the new files, but for one that somebody else had changed."""
    named = parse_manifest(content, where).files
    facts = json.loads(content)
    for name, new in files.items():
        old = there[name]
        if name == FILE or (name in named and named[name].sha256 == _sha256(old or b"")):
            facts["files"][name] = {
                **facts["files"].get(name, {}),
                "sha256": _sha256(new),
                "bytes": len(new),
            }
    return json_text(facts).encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

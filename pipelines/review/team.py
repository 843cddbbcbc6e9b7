"""The people of a review as the server has them now, and their pseudonyms."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property

from builders.review.folder import Review, sibling_reviews
from builders.review.people import (
    People,
    Person,
    created_again,
    known_again,
    read_people,
    translations,
    updated,
    write_people,
)
from builders.review.pseudonyms import project_key, pseudonym, read_key, write_key
from builders.rows import Row
from pipelines.review.annotators import Account, accounts
from pipelines.review.server import Server


@dataclass(frozen=True)
class Team:
    """`people` are those of the folder, `accounts` those of the server.

    Pseudonyms are made with `key`, the project's; the folder's are still under `old_key`. `again`
    has the identity of the person for each account that was created again, by user id.
    """

    review: Review
    people: People
    accounts: list[Account]
    key: bytes
    old_key: bytes
    again: Mapping[str, str] = field(default_factory=dict)

    def annotator(self, user_id: str) -> str:
        return pseudonym(self.key, self.again.get(user_id, user_id))

    @cached_property
    def present(self) -> set[str]:
        """The pseudonyms of everybody who has an account."""
        return {self.annotator(account.id) for account in self.accounts}

    @cached_property
    def new_again(self) -> dict[str, str]:
        """Of `again`, the accounts of people of this review that the folder does not know yet."""
        known = known_again([self.people])
        return {
            account.id: self.again[account.id]
            for account in self.accounts
            if account.id in self.again
            and account.id not in known
            and self._is_of_review(account, self.people.keys())
        }

    def _is_of_review(self, account: Account, answered: Set[str]) -> bool:
        """Whether it is an annotator's in the workspace, or somebody's who has answered."""
        is_annotator = account.is_member and account.role == "annotator"
        return is_annotator or self.annotator(account.id) in answered

    @property
    def is_renamed(self) -> bool:
        """Whether the folder's pseudonyms are to be translated."""
        return self.key != self.old_key or bool(self.new_again)

    @property
    def deleted(self) -> set[str]:
        """The folder's pseudonyms of deleted accounts whose people now have another one.

        The server deleted their responses.
        """
        return {pseudonym(self.old_key, identity) for identity in self.new_again.values()}

    @cached_property
    def _translations(self) -> dict[str, str]:
        user_ids = [account.id for account in self.accounts]
        under_key = translations(self.people, user_ids, self.old_key, self.key)
        return under_key | {
            pseudonym(self.old_key, account): pseudonym(self.key, identity)
            for account, identity in self.new_again.items()
        }

    def translated(self, row: Row) -> Row:
        """A verdict of the folder under the project's pseudonym, where it is known."""
        annotator = self._translations.get(row["annotator"])
        return {**row, "annotator": annotator} if annotator else row

    def unmatched(self, annotators: Iterable[str]) -> int:
        """How many of these are still under the earlier key, since nobody knows who they are."""
        known = self.present | set(self._translations.values())
        return len(set(annotators) - known) if self.key != self.old_key else 0

    def now(self, annotators: Iterable[str] = ()) -> dict[str, Person]:
        """The people of the review: its annotators, and those who have answered it.

        `annotators` are the pseudonyms of its verdicts.
        """
        answered = set(annotators) | self.people.keys()
        known = {
            account.id: account.name
            for account in self.accounts
            if self._is_of_review(account, answered)
        }
        return updated(self.people, known, self.key, annotators, self.again)

    def save(self, annotators: Iterable[str]) -> None:
        """Write who is who, and that the folder's verdicts are under the project's key."""
        write_people(self.review.folder, self.now(annotators))
        if self.key != self.old_key:
            write_key(self.review.folder, self.key)


def read_team(server: Server, review: Review, workspace_id: str, *, keep_key: bool = False) -> Team:
    """The team of a review in this workspace; the keys are created if they are missing.

    `keep_key`: pseudonyms stay those that the folder's verdicts are under.
    """
    old_key = read_key(review.folder)
    key = old_key if keep_key else project_key(review.folder)
    return team_under(server, review, workspace_id, key, old_key, is_new=not keep_key)


def team_under(
    server: Server,
    review: Review,
    workspace_id: str,
    key: bytes,
    old_key: bytes,
    *,
    is_new: bool = True,
) -> Team:
    """The team under these keys; `is_new`: accounts that were created again are looked for."""
    people, found = read_people(review.folder), accounts(server, workspace_id)
    teams = [people]
    if is_new:
        teams += [read_people(other.folder) for other in sibling_reviews(review)]
    again = known_again(teams)
    # Only an owner sees all accounts, so that one that is missing was deleted.
    if is_new and server.role == "owner":
        again |= created_again(teams, {one.id: one.name for one in found}, again)
    return Team(review, people, found, key, old_key, again)

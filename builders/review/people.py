"""Who the annotators of a review are, and who is left out: `people.json` in the review's folder.

Only the owner of the folder can read the file. What a release, a report or a card says of people
never comes from its names and ids.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builders.errors import BadInput, first_problem
from builders.review.pseudonyms import pseudonym, write_secret

PEOPLE = "people.json"
# 1.1: `accounts`.
_SCHEMA = "1.1"
_READABLE = ("1.0", _SCHEMA)
_LONGEST_REASON = 300


class Person(BaseModel):
    """An annotator under their pseudonym.

    `identity` is what the pseudonym is made from, the server's id of the user; None if it is not
    known, as for verdicts that were pulled before there was this file, or the name in a file that
    was imported. `on_server` is as of the last look at the server, None for somebody whose answers
    are from a file. `excluded` is the reason for which the person is left out of every
    figure, None if they are not. `accounts` are the ids of users that were created after the first
    one was deleted, the latest last.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    annotator: str
    identity: str | None = None
    name: str | None = None
    on_server: bool | None = True
    excluded: str | None = None
    accounts: tuple[str, ...] = ()

    @property
    def user_ids(self) -> tuple[str, ...]:
        """All ids that the person has or had on the server, the latest last."""
        return (self.identity, *self.accounts) if self.identity else ()

    @property
    def shown(self) -> str:
        """The name to show to the lead of the review."""
        return self.name or self.annotator


class _PeopleFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    # A field named `schema` would hide a method of pydantic's.
    schema_: str = Field(alias="schema")
    people: list[Person]


# By pseudonym.
People = Mapping[str, Person]


def read_people(folder: Path) -> dict[str, Person]:
    """The people of the review in `folder`; none before the first pull."""
    path = folder / PEOPLE
    try:
        file = _PeopleFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValidationError as error:
        raise BadInput(f"{path}: not the people of a review ({first_problem(error)})") from None
    if file.schema_ not in _READABLE:
        raise BadInput(
            f"{path}: written with schema {file.schema_}; this version reads "
            f"{' and '.join(_READABLE)}"
        )
    return {person.annotator: person for person in file.people}


def write_people(folder: Path, people: People) -> None:
    """Write what `read_people` reads, unless the file says so already."""
    if people == read_people(folder):
        return
    rows = [people[annotator].model_dump() for annotator in sorted(people)]
    text = json.dumps({"schema": _SCHEMA, "people": rows}, indent=2, ensure_ascii=False)
    write_secret(folder / PEOPLE, text + "\n")


def known_again(teams: Iterable[People]) -> dict[str, str]:
    """By the id of each account that was created again, the identity of its person.

    `teams` are the people of the reviews of a project, which have seen different people.
    """
    return {
        account: person.identity
        for people in teams
        for person in people.values()
        for account in person.accounts
        if person.identity
    }


def created_again(
    teams: Iterable[People], accounts: Mapping[str, str], known: Mapping[str, str]
) -> dict[str, str]:
    """Like `known_again`, of those accounts that are not `known` yet.

    An account by the name of somebody whose own account was deleted is taken for theirs, unless
    several people had this name. `accounts` are all names of the server, by user id.
    """
    gone: dict[str, set[str]] = {}
    for person in (person for people in teams for person in people.values()):
        is_of_server = person.identity and person.on_server is not None
        if is_of_server and person.identity not in known and not accounts.keys() & person.user_ids:
            gone.setdefault(person.name or "", set()).add(person.identity)
    return {
        account: next(iter(identities))
        for account, name in accounts.items()
        if account not in known and len(identities := gone.get(name, set())) == 1
    }


def updated(
    people: People,
    accounts: Mapping[str, str],
    key: bytes,
    annotators: Iterable[str] = (),
    again: Mapping[str, str] | None = None,
) -> dict[str, Person]:
    """The people, with `accounts` (names by user id) as the server has them now.

    Pseudonyms are made with `key`; whoever had one under another key keeps what was said of them.
    `again` has the identity of each account that was created again. Whoever is left out stays so
    if the account was deleted and created again.
    `annotators` are the pseudonyms of verdicts, some perhaps of people whom nobody knows any more.
    """
    again = again or {}
    named: dict[str, Person] = {}
    for person in people.values():
        identity = again.get(person.identity or "", person.identity)
        annotator = pseudonym(key, identity) if identity else person.annotator
        on_server = None if person.on_server is None else False
        now = {"annotator": annotator, "identity": identity, "on_server": on_server}
        same = named.get(annotator, person)
        # What was said of either account holds of both.
        now |= {"excluded": person.excluded if same.excluded is None else same.excluded}
        now |= {"accounts": tuple(dict.fromkeys((*same.accounts, *person.accounts)))}
        named[annotator] = person.model_copy(update=now)
    # Of people without an account; a new one by the same name is taken for theirs.
    left_out = {
        one.name: one.excluded
        for one in named.values()
        if one.excluded is not None and one.on_server is False and one.identity not in accounts
    }
    for user_id, name in accounts.items():
        identity = again.get(user_id, user_id)
        annotator = pseudonym(key, identity)
        new = Person(annotator=annotator, excluded=left_out.get(name))
        known = named.get(annotator, new)
        others = tuple(one for one in known.accounts if one != user_id)
        named[annotator] = known.model_copy(
            update={
                "identity": identity,
                "name": name,
                "on_server": True,
                "accounts": others if identity == user_id else (*others, user_id),
            }
        )
    for annotator in annotators:
        named.setdefault(annotator, Person(annotator=annotator, on_server=False))
    return named


def with_imported(people: People, names: Mapping[str, str]) -> dict[str, Person]:
    """The people, with those who signed a file; `names` has the pseudonym of each."""
    signed = {
        annotator: Person(annotator=annotator, identity=name, name=name, on_server=None)
        for name, annotator in names.items()
    }
    return signed | dict(people)


def translations(people: People, user_ids: Iterable[str], old: bytes, new: bytes) -> dict[str, str]:
    """What each pseudonym under the key `old` is under `new`, of all whose identity is known."""
    if old == new:
        return {}
    identities = {person.identity for person in people.values() if person.identity}
    return {pseudonym(old, one): pseudonym(new, one) for one in identities | set(user_ids)}


def find_person(people: People, name: str, where: Path) -> Person:
    """The person with this name or pseudonym; BadInput if there is none, or more than one."""
    found = [person for person in people.values() if name in (person.annotator, person.name)]
    if len(found) > 1:
        choices = ", ".join(sorted(person.annotator for person in found))
        raise BadInput(f"{where}: {name!r} is the name of several people; say which: {choices}")
    if not found:
        known = ", ".join(sorted(person.shown for person in people.values())) or "nobody yet"
        raise BadInput(f"{where}: {name!r} is none of its people ({known})")
    return found[0]


def reasons_excluded(people: People) -> dict[str, str]:
    """The reason by pseudonym, of everybody who is left out."""
    return {
        annotator: person.excluded
        for annotator, person in people.items()
        if person.excluded is not None
    }


def checked_reason(reason: str | None) -> str:
    """The reason on one line, as card and manifest state it; BadInput if there is none."""
    text = " ".join((reason or "").split())
    if not text or not text.isprintable() or len(text) > _LONGEST_REASON:
        raise BadInput(
            f"--reason: say why in a line of at most {_LONGEST_REASON} characters, as in --reason "
            '"answered without reading"; the card prints it'
        )
    return text

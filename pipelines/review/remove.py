"""Taking a review out of its server: its datasets, and the accounts and workspace it created.

What is taken out is listed first. Whatever others may be using stays: a dataset with records of
others, an account that works elsewhere or is not ours, a workspace with anything else in it. The
steps can be repeated: those that were done are no longer listed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builders.errors import BadInput
from builders.review.folder import Review, sibling_reviews
from builders.review.people import read_people
from builders.wording import counted
from pipelines.review.annotators import (
    CREATED,
    PASSWORDS,
    created_workspace,
    find_workspace,
    members,
    read_passwords,
    write_passwords,
)
from pipelines.review.records import external_ids, state_mark
from pipelines.review.server import Server
from pipelines.review.status import unpulled_verdicts


@dataclass(frozen=True)
class Removal:
    """What a removal takes out of the server, and what it keeps.

    `datasets`: {name, id, mark}, where the mark is that of `state_mark`. `accounts`: user ids by
    name. `kept`: why an account that a push created stays, by name. `workspace`: the id of the
    workspace, if it will be empty and a push created it. `unpulled`: verdicts that are on the
    server and not in the review's folder.
    """

    datasets: list[Mapping[str, Any]]
    accounts: Mapping[str, str]
    kept: Mapping[str, str]
    workspace: str | None
    unpulled: int


def plan_removal(server: Server, review: Review) -> Removal:
    """What can be taken out; BadInput if nothing can, or a dataset has records of others."""
    review.check_pushed()
    workspace = find_workspace(server, review.facts.workspace)
    workspace_id = workspace["id"] if workspace else None
    everything = server.request("GET", "me/datasets")["items"]
    names = [name for name in review.facts.datasets.model_dump().values() if name]
    ours = [
        dataset
        for dataset in everything
        if dataset["workspace_id"] == workspace_id and dataset["name"] in names
    ]
    # An unpublished one, of an interrupted push, has no records.
    published = [dataset for dataset in ours if dataset["status"] == "ready"]
    _check_records(server, review, published)
    # Before the verdicts are read: one that arrives meanwhile changes the mark.
    marks = {one["id"]: state_mark(server, one["id"]) for one in published}
    datasets = [
        {"name": one["name"], "id": one["id"], "mark": marks.get(one["id"])} for one in ours
    ]
    unpulled = unpulled_verdicts(server, review, marks) if marks else 0
    shared = any(
        dataset["workspace_id"] == workspace_id and dataset not in ours for dataset in everything
    )
    accounts, kept = _accounts(server, review, workspace_id, everything, shared=shared)
    empties = (
        workspace_id is not None
        and workspace_id == created_workspace(review.folder)
        and server.role == "owner"
        and not shared
        and {user["id"] for user in members(server, workspace_id)} <= set(accounts.values())
    )
    if not (datasets or accounts or empties):
        raise BadInput(
            f"{server.url}: nothing of {review.folder} is left to remove; it was pushed to "
            f"{review.facts.url}{_reasons(kept)}"
        )
    return Removal(datasets, accounts, kept, workspace_id if empties else None, unpulled)


def _check_records(server: Server, review: Review, datasets: list[Mapping[str, Any]]) -> None:
    records = {row["record"] for row in review.drawn()}
    for dataset in datasets:
        total = server.request("GET", f"datasets/{dataset['id']}/records", limit=1)["total"]
        if others := total - len(external_ids(server, dataset["id"]) & records):
            raise BadInput(
                f"{server.url}: the dataset {dataset['name']!r} has "
                f"{counted(others, 'record')} that this review does not have; delete the dataset "
                "in Argilla if nobody needs it"
            )


def _accounts(
    server: Server,
    review: Review,
    workspace_id: str | None,
    datasets: list[Mapping[str, Any]],
    *,
    shared: bool,
) -> tuple[dict[str, str], dict[str, str]]:
    """The accounts that can be deleted, and why the others that pushes created stay.

    A password of an account that no longer exists is of neither. An account is ours if the password
    that was kept for it opens it.
    """
    passwords = read_passwords(review.folder)
    if server.role != "owner":
        reason = f"deleting an account takes an owner; {server.user} is an {server.role}"
        return {}, dict.fromkeys(passwords, reason)
    users = {user["username"]: user for user in server.request("GET", "users")["items"]}
    elsewhere = _asked_elsewhere(server, review, datasets)
    deleted: dict[str, str] = {}
    kept: dict[str, str] = {}
    for name, password in passwords.items():
        if (user := users.get(name)) is None:
            continue
        places = server.request("GET", f"users/{user['id']}/workspaces")["items"]
        others = [place["name"] for place in places if place["id"] != workspace_id]
        if user["role"] != "annotator":
            kept[name] = f"is an {user['role']} now"
        elif others:
            kept[name] = f"is in the workspace {others[0]!r} too"
        elif shared:
            kept[name] = f"the workspace {review.facts.workspace!r} has another dataset"
        elif user["id"] in elsewhere:
            kept[name] = f"is in the review {elsewhere[user['id']]!r} too"
        elif not server.accepts(name, password):
            kept[name] = "has another password now, and may be somebody else's account"
        else:
            deleted[name] = user["id"]
    return deleted, kept


def _asked_elsewhere(
    server: Server, review: Review, datasets: list[Mapping[str, Any]]
) -> dict[str, str]:
    """By user id, another review beside this one whose datasets are on the server."""
    spaces = {one["id"]: one["name"] for one in server.request("GET", "me/workspaces")["items"]}
    existing = {(spaces.get(one["workspace_id"]), one["name"]) for one in datasets}
    return {
        user_id: other.facts.name
        for other in sibling_reviews(review)
        if (other.facts.workspace, other.facts.datasets.sample) in existing
        for person in read_people(other.folder).values()
        for user_id in person.user_ids
    }


def _reasons(kept: Mapping[str, str]) -> str:
    return "".join(f"; {name} stays: {reason}" for name, reason in kept.items())


def carry_out(server: Server, review: Review, removal: Removal, *, discard: bool = False) -> None:
    """Take out what was listed. The folder keeps its verdicts, and forgets the passwords.

    BadInput if verdicts are not in the folder and `discard` does not say that they can be lost.
    """
    check_pulled(server, review, removal, discard=discard)
    for dataset in removal.datasets:
        mark = dataset["mark"]
        if mark and not discard and state_mark(server, dataset["id"]) != mark:
            raise BadInput(
                f"{server.url}: somebody has just answered {dataset['name']!r}; pull again, or "
                "use --discard"
            )
        server.request("DELETE", f"datasets/{dataset['id']}")
    for name, user_id in removal.accounts.items():
        server.request("DELETE", f"users/{user_id}")
        _forget(review, name)
    if removal.workspace and _is_empty(server, removal.workspace):
        server.request("DELETE", f"workspaces/{removal.workspace}")
        (review.folder / CREATED).unlink(missing_ok=True)


def check_pulled(server: Server, review: Review, removal: Removal, *, discard: bool) -> None:
    """BadInput if verdicts would be lost that nobody said can be."""
    if removal.unpulled and not discard:
        have = counted(removal.unpulled, "verdict is", "verdicts are")
        raise BadInput(
            f"{server.url}: {have} not in {review.folder}; `{review.next_command}` gets what "
            "people answered, and --discard gives it up"
        )


def _forget(review: Review, name: str) -> None:
    passwords = read_passwords(review.folder)
    passwords.pop(name, None)
    if passwords:
        write_passwords(review.folder, passwords)
    else:
        (review.folder / PASSWORDS).unlink(missing_ok=True)


def _is_empty(server: Server, workspace_id: str) -> bool:
    datasets = server.request("GET", "me/datasets", workspace_id=workspace_id)["items"]
    here = [one for one in datasets if one["workspace_id"] == workspace_id]
    return not here and not members(server, workspace_id)

"""The people of a review on its server: looked up, and given a new password."""

from builders.errors import BadInput
from builders.files.lock import locked
from builders.review.folder import Review, sibling_reviews
from builders.review.people import People, find_person, read_people
from pipelines.review.annotators import (
    PASSWORDS,
    new_password,
    read_passwords,
    write_passwords,
)
from pipelines.review.pull import workspace_of
from pipelines.review.server import Server
from pipelines.review.team import read_team

__all__ = ["PASSWORDS", "reset_password", "update_people"]


def update_people(server: Server, review: Review) -> People:
    """The review's people as the server has them now, which is saved in its folder.

    If the pseudonyms in the folder are still under an earlier key, so are these, until a pull
    translates all of them.
    """
    review.check_pushed()
    with locked(review.folder):
        team = read_team(server, review, workspace_of(server, review), keep_key=True)
        team.save({row["annotator"] for row in review.verdicts()})
    return read_people(review.folder)


def reset_password(server: Server, review: Review, name: str) -> tuple[str, str]:
    """The user name of the person with this name or pseudonym, and their new password.

    It is kept in this review's folder, and in those of the reviews beside it that had the old one.
    BadInput if the person is gone or no annotator, or our user is not an owner.
    """
    if server.role != "owner":
        raise BadInput(
            f"{server.url}: a new password takes an owner; {server.user} is an {server.role}"
        )
    person = find_person(update_people(server, review), name, review.folder)
    if person.identity is None or not person.on_server:
        raise BadInput(f"{server.url}: {person.shown} is no longer on the server")
    user = server.request("GET", f"users/{person.user_ids[-1]}")
    if user["role"] != "annotator":
        raise BadInput(
            f"{server.url}: {user['username']} is an {user['role']}; change that password in "
            "Argilla"
        )
    password = new_password()
    server.request("PATCH", f"users/{user['id']}", body={"password": password})
    with locked(review.folder):
        _keep(review, user["username"], password)
    for other in sibling_reviews(review):
        if user["username"] in read_passwords(other.folder):
            _keep(other, user["username"], password)
    return user["username"], password


def _keep(review: Review, name: str, password: str) -> None:
    write_passwords(review.folder, read_passwords(review.folder) | {name: password})

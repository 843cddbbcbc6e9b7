"""Annotators: the YAML file that lists them, and their workspace and accounts on the server."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from builders.errors import BadInput, first_problem
from builders.files.atomic import write_json
from builders.files.documents import read_yaml
from builders.review.pseudonyms import write_secret
from pipelines.review.server import Server

PASSWORDS, CREATED = "passwords.yaml", "created.json"
# The server accepts any name; its client only what can be part of an address.
_WORKSPACE = re.compile(r"[A-Za-z0-9_-]+")


class AnnotatorList(BaseModel):
    """The contents of the file: the names to sign in with, and the workspace if it sets one."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    workspace: str | None = None
    annotators: list[str]


NOBODY = AnnotatorList(annotators=[])


def read_annotators(path: Path) -> AnnotatorList:
    """The list of annotators in a YAML file; BadInput names the key that is wrong."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        people = AnnotatorList.model_validate(values)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 ({error.reason})") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    except ValidationError as error:
        unknown = error.errors()[0]["type"] == "extra_forbidden"
        hint = "; the keys are workspace and annotators" if unknown else ""
        raise BadInput(f"{path}: {first_problem(error)}{hint}") from None
    if people.workspace is not None:
        check_workspace_name(people.workspace, f"{path}: workspace")
    for number, name in enumerate(people.annotators):
        where = f"{path}: annotators.{number}"
        if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > 200:
            raise BadInput(f"{where}: {name!r} cannot be a user name")
        if name in people.annotators[:number]:
            raise BadInput(f"{where}: {name!r} is listed twice")
    return people


def check_workspace_name(name: str, where: str) -> None:
    """BadInput, starting with `where`, if a workspace cannot have this name."""
    if not _WORKSPACE.fullmatch(name):
        raise BadInput(
            f"{where}: {name!r} cannot be a workspace's name, which has letters, digits, '-' and "
            "'_' only"
        )


def find_workspace(server: Server, name: str) -> dict[str, Any] | None:
    """The workspace of that name, if it exists and our user can see it."""
    workspaces = server.request("GET", "me/workspaces")["items"]
    return next((workspace for workspace in workspaces if workspace["name"] == name), None)


def ensure_workspace(server: Server, name: str, folder: Path) -> str:
    """The id of the workspace, which is created if it does not exist; the folder then says so."""
    if existing := find_workspace(server, name):
        return existing["id"]
    created = server.request("POST", "workspaces", body={"name": name})["id"]
    write_json(folder / CREATED, {"workspace": created})
    return created


def created_workspace(folder: Path) -> str | None:
    """The id of the workspace that a push of this review created, if one did."""
    try:
        return json.loads((folder / CREATED).read_bytes())["workspace"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def members(server: Server, workspace_id: str) -> list[dict[str, Any]]:
    return server.request("GET", f"workspaces/{workspace_id}/users")["items"]


def count_annotators(server: Server, workspace_id: str) -> int:
    return sum(user["role"] == "annotator" for user in members(server, workspace_id))


def missing_annotators(
    server: Server, workspace_id: str | None, people: AnnotatorList
) -> list[str]:
    """The annotators who are not in the workspace; BadInput if our user may not add them."""
    names = {user["username"] for user in members(server, workspace_id)} if workspace_id else set()
    missing = [name for name in people.annotators if name not in names]
    if missing and server.role != "owner":
        raise BadInput(
            f"{server.url}: {', '.join(missing)} must be added to the workspace, which takes an "
            f"owner; {server.user} is an {server.role}"
        )
    return missing


def ensure_annotators(
    server: Server, workspace_id: str, people: AnnotatorList, folder: Path
) -> dict[str, str]:
    """Create missing accounts and add everyone to the workspace; the new accounts' passwords.

    Passwords are written to the folder's PASSWORDS before the accounts are created, so that none
    can get lost.
    """
    missing = missing_annotators(server, workspace_id, people)
    if not missing:
        return {}
    user_ids = {user["username"]: user["id"] for user in server.request("GET", "users")["items"]}
    new = [name for name in missing if name not in user_ids]
    passwords = _ensure_passwords(folder, new)
    for name in missing:
        if name in new:
            account = {"username": name, "first_name": name, "role": "annotator"}
            account["password"] = passwords[name]
            user_ids[name] = server.request("POST", "users", body=account)["id"]
        path = f"workspaces/{workspace_id}/users"
        server.request("POST", path, body={"user_id": user_ids[name]})
    return {name: passwords[name] for name in new}


@dataclass(frozen=True)
class Account:
    """A user of the server; `is_member`: of the workspace that was asked about."""

    id: str
    name: str
    role: str
    is_member: bool


def accounts(server: Server, workspace_id: str) -> list[Account]:
    """The users of a workspace; for an owner, all users of the server."""
    here = {user["id"]: user for user in members(server, workspace_id)}
    every = server.request("GET", "users")["items"] if server.role == "owner" else []
    users = {user["id"]: user for user in every} | here
    return [
        Account(user["id"], user["username"], user["role"], user["id"] in here)
        for user in users.values()
    ]


def read_passwords(folder: Path) -> dict[str, str]:
    """The passwords of the accounts that this review's pushes created."""
    path = folder / PASSWORDS
    return read_yaml(path) if path.exists() else {}


def _ensure_passwords(folder: Path, names: list[str]) -> dict[str, str]:
    """All passwords, old and new; an old one may belong to an account that was never created."""
    passwords = read_passwords(folder)
    if new := [name for name in names if name not in passwords]:
        passwords |= {name: new_password() for name in new}
        write_passwords(folder, passwords)
    return passwords


def new_password() -> str:
    return secrets.token_urlsafe(12)


def write_passwords(folder: Path, passwords: Mapping[str, str]) -> None:
    text = yaml.safe_dump(dict(passwords), allow_unicode=True, sort_keys=False)
    write_secret(folder / PASSWORDS, text)

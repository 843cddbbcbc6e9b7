"""Who answers: a YAML file of names, and their accounts and workspace on the server."""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from builders.errors import BadInput
from builders.review.pseudonyms import write_secret
from pipelines.review.server import Server

PASSWORDS = "passwords.yaml"
# The server takes any; its client wants what can be part of an address.
_WORKSPACE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class People:
    """What the file says; `workspace` where it names one."""

    workspace: str | None = None
    annotators: tuple[str, ...] = ()


class _PeopleFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    workspace: str | None = None
    annotators: list[str]


def read_people(path: Path) -> People:
    """`workspace:` and `annotators:`, a list of names; BadInput names the key that is wrong."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        people = _PeopleFile.model_validate(values)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 ({error.reason})") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        hint = "; its keys are workspace and annotators" * (first["type"] == "extra_forbidden")
        raise BadInput(f"{path}: {where}: {first['msg']}{hint}") from None
    if people.workspace is not None:
        check_workspace(people.workspace, f"{path}: workspace")
    for number, name in enumerate(people.annotators):
        where = f"{path}: annotators.{number}"
        if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > 200:
            raise BadInput(f"{where}: {name!r} is no name to sign in with")
        if name in people.annotators[:number]:
            raise BadInput(f"{where}: {name!r} is there twice")
    return People(people.workspace, tuple(people.annotators))


def check_workspace(name: str, where: str) -> str:
    """`name`, which can name a workspace; BadInput otherwise."""
    if not _WORKSPACE.fullmatch(name):
        raise BadInput(
            f"{where}: a workspace is named with letters, digits, '-' and '_', not {name!r}"
        )
    return name


def find_workspace(server: Server, name: str) -> dict[str, Any] | None:
    """The workspace of that name, among those that our user may see."""
    found = server.ask("GET", "me/workspaces")["items"]
    return next((workspace for workspace in found if workspace["name"] == name), None)


def ensure_workspace(server: Server, name: str) -> str:
    """The id of the workspace, which is made if it is not there."""
    found = find_workspace(server, name) or server.ask("POST", "workspaces", body={"name": name})
    return found["id"]


def members(server: Server, workspace_id: str) -> list[dict[str, Any]]:
    return server.ask("GET", f"workspaces/{workspace_id}/users")["items"]


def annotators_in(server: Server, workspace_id: str) -> int:
    return sum(user["role"] == "annotator" for user in members(server, workspace_id))


def missing_people(server: Server, workspace_id: str | None, people: People) -> list[str]:
    """Those who are not in the workspace; BadInput where there are some and we are no owner."""
    there = members(server, workspace_id) if workspace_id else []
    names = {user["username"] for user in there}
    missing = [name for name in people.annotators if name not in names]
    if missing and server.role != "owner":
        raise BadInput(
            f"{server.url}: {server.user} ({server.role}) may not add people to a workspace, and "
            f"{', '.join(missing)} are not in it; an owner may"
        )
    return missing


def ensure_people(
    server: Server, workspace_id: str, people: People, folder: Path
) -> dict[str, str]:
    """Make who is not on the server, and add everybody to the workspace; the new ones' passwords.

    These are in the folder's PASSWORDS before their accounts are made, so that none gets lost.
    """
    missing = missing_people(server, workspace_id, people)
    if not missing:
        return {}
    known = {user["username"]: user["id"] for user in server.ask("GET", "users")["items"]}
    made = [name for name in missing if name not in known]
    passwords = _ensure_passwords(folder, made)
    for name in missing:
        user_id = known.get(name) or _make(server, name, passwords[name])
        server.ask("POST", f"workspaces/{workspace_id}/users", body={"user_id": user_id})
    return {name: passwords[name] for name in made}


def _make(server: Server, name: str, password: str) -> str:
    account = {"username": name, "first_name": name, "role": "annotator", "password": password}
    return server.ask("POST", "users", body=account)["id"]


def read_passwords(folder: Path) -> dict[str, str]:
    """The passwords of the people whom this review's pushes made."""
    path = folder / PASSWORDS
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def _ensure_passwords(folder: Path, names: list[str]) -> dict[str, str]:
    """The passwords of all, old and new; an old one may be of an account that was not made."""
    passwords = read_passwords(folder)
    if new := [name for name in names if name not in passwords]:
        passwords |= {name: secrets.token_urlsafe(12) for name in new}
        text = yaml.safe_dump(passwords, allow_unicode=True, sort_keys=False)
        write_secret(folder / PASSWORDS, text)
    return passwords

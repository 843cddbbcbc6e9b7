"""What the server answers when it refuses, in the words that the Hub's clients know."""

from typing import Any


class HubError(Exception):
    """A refusal: HTTP status, one line for the user, and the Hub's own code where it has one."""

    def __init__(self, status: int, message: str, code: str | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.fields = fields


class CannotStart(Exception):
    """The server cannot start: one line that says why and what to do."""


def bad_request(message: str) -> HubError:
    return HubError(400, message)


def conflict(message: str, **fields: Any) -> HubError:
    return HubError(409, message, **fields)


def repo_not_found(repo: str) -> HubError:
    return HubError(404, f"Repository not found: {repo}", "RepoNotFound")


def revision_not_found(revision: str) -> HubError:
    return HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")


def entry_not_found(message: str) -> HubError:
    return HubError(404, message, "EntryNotFound")

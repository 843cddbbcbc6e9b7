"""Error responses, with the messages and codes that the Hub's clients look for."""

from pathlib import Path
from typing import Any


class HubError(Exception):
    """An error response: HTTP status, one line for the user, the Hub's error code if it has one.

    `fields` are added to the JSON body.
    """

    def __init__(self, status: int, message: str, code: str | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.fields = fields


def bad_request(message: str) -> HubError:
    return HubError(400, message)


def damaged(path: Path, error: Exception) -> HubError:
    """A file of the server's own that is not as it wrote it."""
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return HubError(500, f"{path} on the server's disk is damaged ({reason})")


def conflict(message: str, **fields: Any) -> HubError:
    return HubError(409, message, **fields)


def repo_not_found(repo: str) -> HubError:
    return HubError(404, f"Repository not found: {repo}", "RepoNotFound")


def revision_not_found(revision: str) -> HubError:
    return HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")


def entry_not_found(message: str) -> HubError:
    return HubError(404, message, "EntryNotFound")

"""Who may do what: a write token, a read token, or a server that is open to its own machine."""

import hmac
from dataclasses import dataclass
from typing import Literal

from services.hub.errors import HubError

Role = Literal["write", "read"]

# The client tells a wrong token from a missing repository by these very words.
_WRONG = "Invalid credentials in Authorization header"


@dataclass(frozen=True, repr=False)
class Tokens:
    """The tokens that count; with no write token whoever reaches the server may write."""

    write: str | None = None
    read: str | None = None

    def role(self, authorization: str | None) -> Role | None:
        """What the `Authorization` header entitles to; None for a stranger. 401 if it is wrong."""
        if self.write is None:
            return "write"
        if not authorization:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer":
            if _same(token.strip(), self.write):
                return "write"
            if self.read is not None and _same(token.strip(), self.read):
                return "read"
        raise HubError(401, _WRONG)


def require_write(role: Role | None) -> None:
    """Raise unless the role may write."""
    if role is None:
        raise HubError(401, _WRONG)
    if role != "write":
        raise HubError(403, "this token may only read; writing needs one with the role 'write'")


def _same(given: str, held: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), held.encode())

"""Access control: a write token, a read token, or no token at all on a local server."""

import hmac
from dataclasses import dataclass
from typing import Literal

from services.hub.errors import HubError

Role = Literal["write", "read"]

# huggingface_hub looks for exactly this text to tell a wrong token from a missing repository.
_INVALID = "Invalid credentials in Authorization header"


@dataclass(frozen=True, repr=False)
class Tokens:
    """The accepted tokens; without a write token, anyone who can reach the server may write."""

    write: str | None = None
    read: str | None = None

    def role(self, authorization: str | None) -> Role | None:
        """The role of an `Authorization` header, None without a header; 401 for a wrong token."""
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
        raise HubError(401, _INVALID)


def require_write(role: Role | None) -> None:
    """Raise 401 or 403 unless the role may write."""
    if role is None:
        raise HubError(401, _INVALID)
    if role != "write":
        raise HubError(403, "this token is read-only; writing needs a token with the role 'write'")


def _same(token: str, expected: str) -> bool:
    return hmac.compare_digest(token.encode(errors="replace"), expected.encode())

"""Keeps out what other machines' pages send through a browser on this one."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from services.chat.errors import ChatError

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class LoopbackOnly:
    """Refuses a request whose Host, or Origin where a page sent it, is not of this machine.

    A name that an attacker's server resolves to 127.0.0.1 is another host.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (problem := _problem(Headers(scope=scope))):
            response = JSONResponse(ChatError(403, problem).body, 403)
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _problem(headers: Headers) -> str | None:
    if _host(f"//{headers.get('host', '')}") not in _LOOPBACK:
        return "this server only accepts requests for localhost"
    origin = headers.get("origin")
    if origin is not None and _host(origin) not in _LOOPBACK:
        return "requests from other sites' pages are rejected"
    return None


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None

"""The routes behind the token, and who gets an answer."""

import asyncio
import hmac
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from aiohttp import web

from builders.errors import BadInput

Query = Sequence[tuple[str, str]]
_HOSTS = ("127.0.0.1", "localhost")
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Asked(Protocol):
    """A question of the page, to be answered in a thread."""

    def answer(self) -> Any:
        """The answer as JSON; BadInput if the question means nothing, None if nothing is there."""

    def cancel(self) -> None:
        """Nobody waits for the answer any more; called from another thread."""


class Page(Protocol):
    """`html` is the whole page, `policy` its Content-Security-Policy."""

    html: str
    policy: str

    def ask(self, name: str, query: Query) -> Asked | None:
        """What answers the question with that name; None if there is no such question."""


@dataclass(frozen=True)
class _Site:
    page: Page
    token: str

    def is_ours(self, request: web.Request) -> bool:
        """Whether the address has the token."""
        token = request.match_info.get("token", "")
        return hmac.compare_digest(token.encode(errors="replace"), self.token.encode())

    async def show(self, _: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": self.page.policy}
        return web.Response(text=self.page.html, content_type="text/html", headers=headers)

    async def answer(self, request: web.Request) -> web.Response:
        # Sent by every browser of today; other programs send none, and know the token.
        if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return _error(403, "only the page itself may ask")
        asked = self.page.ask(request.match_info["name"], list(request.query.items()))
        if asked is None:
            return _error(404, "there is no such question")
        try:
            value = await asyncio.to_thread(asked.answer)
        except BadInput as error:
            return _error(400, str(error))
        except asyncio.CancelledError:
            asked.cancel()
            raise
        if value is None:
            return _error(404, "there is no such row")
        return _json(value)


def make_app(page: Page, token: str) -> web.Application:
    """The application that shows `page` below `/TOKEN/`."""
    site = _Site(page, token)

    @web.middleware
    async def guard(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.Response]]
    ) -> web.Response:
        response = await _guarded(site, request, handler)
        response.headers.update(_HEADERS)
        return response

    app = web.Application(middlewares=[guard])
    app.add_routes(
        [web.get("/{token}/", site.show), web.get("/{token}/api/{name}", site.answer)],
    )
    return app


async def _guarded(
    site: _Site, request: web.Request, handler: Callable[[web.Request], Awaitable[web.Response]]
) -> web.Response:
    port = request.transport.get_extra_info("sockname")[1] if request.transport else None
    if request.host not in {f"{host}:{port}" for host in _HOSTS}:
        return _error(403, "this page is only for this machine")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        return _error(403, "requests from other sites' pages are rejected")
    if not site.is_ours(request):
        return _error(403, "the address lacks the token that `srt view` printed")
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _error(error.status, error.reason)
    except Exception:
        # Without the address, which has the token.
        print("an answer failed:", file=sys.stderr)
        traceback.print_exc()
        return _error(500, "internal error; see the output of `srt view`")


def _json(value: Any, status: int = 200) -> web.Response:
    # Numbers are never NaN in JSON: orjson writes null.
    body = orjson.dumps(value)
    return web.Response(body=body, status=status, content_type="application/json")


def _error(status: int, message: str) -> web.Response:
    return _json({"error": message}, status)

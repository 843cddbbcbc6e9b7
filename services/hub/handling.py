"""What every handler shares: who asks, of which repository, and how a refusal is told."""

import asyncio
import errno
import sys
import traceback
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from services.hub.access import Role, require_write
from services.hub.catalog import Repository
from services.hub.errors import HubError, repo_not_found
from services.hub.names import RepoId, repo_id
from services.hub.operations import read_object
from services.hub.state import Hub

HUB = web.AppKey("hub", Hub)
# JSON and form bodies; commits and uploads are streams with limits of their own.
MAX_BODY_BYTES = 16 * 1024 * 1024

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

T = TypeVar("T")


def answer(value: Any, status: int = 200, **headers: str) -> web.Response:
    """A JSON answer."""
    return web.Response(
        body=orjson.dumps(value), status=status, content_type="application/json", headers=headers
    )


async def body_of(request: web.Request) -> dict[str, Any]:
    """The request's JSON object; an empty body is an empty object."""
    text = await request.read()
    return read_object(text) if text.strip() else {}


async def off_loop(work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Do work on the disk without holding up other requests."""
    return await asyncio.to_thread(work, *args, **kwargs)


def role_of(request: web.Request) -> Role | None:
    """What the request's token entitles to."""
    return request.app[HUB].tokens.role(request.headers.get("Authorization"))


def id_of(request: web.Request) -> RepoId:
    """The repository in the request's address. What cannot name one is not found."""
    match = request.match_info
    kind = match.get("kind", "models")
    try:
        return repo_id(kind, match["namespace"], match["name"])
    except HubError:
        raise repo_not_found(f"{match['namespace']}/{match['name']}") from None


async def readable(request: web.Request, *, content: bool = False) -> Repository:
    """The repository, if the request may see it; with `content`, its files too."""
    role = role_of(request)
    found = await off_loop(request.app[HUB].catalog.get, id_of(request))
    settings = await off_loop(lambda: found.settings)
    if role is None and settings.private:
        # As on the Hub: a stranger does not learn that it exists.
        raise repo_not_found(str(found.id))
    if role is None and content and settings.gated:
        raise HubError(401, f"Access to {found.id} is restricted", "GatedRepo")
    return found


async def writable(request: web.Request) -> Repository:
    """The repository, if the request may change it."""
    require_write(role_of(request))
    return await off_loop(request.app[HUB].catalog.get, id_of(request))


def origin(request: web.Request) -> str:
    """The address by which the client reached the server, as it may stand behind a proxy."""
    return f"{request.scheme}://{request.host}"


@web.middleware
async def refusals(request: web.Request, handler: Any) -> web.StreamResponse:
    """Turn every failure into one JSON error; what nobody foresaw is told on stderr as well."""
    try:
        _check_origin(request)
        return await handler(request)
    except HubError as error:
        return _refusal(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        message = error.reason
        if error.status == 404:
            message = f"{request.method} {request.path}: this server does not offer that"
        return _refusal(request, HubError(error.status, message))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return _refusal(request, HubError(507, "no space left on the server's disk"))
        if isinstance(error, ConnectionError):
            raise
        return _unforeseen(request)
    except Exception:
        return _unforeseen(request)


def _check_origin(request: web.Request) -> None:
    """Keep web pages of other sites out: a browser would carry their requests to this machine."""
    try:
        host = urlsplit(f"//{request.host}").hostname
    except ValueError:
        host = None
    if host not in _LOOPBACK:
        raise HubError(403, "this server answers to the names of this machine only")
    source = request.headers.get("Origin")
    if source is not None and source != origin(request):
        raise HubError(403, "requests of other sites' pages are refused")


def _refusal(request: web.Request, error: HubError) -> web.Response:
    # What a client sent may be in the message, and a header takes neither a line's end nor a ü.
    headers = {"X-Error-Message": str(error).encode("unicode_escape").decode()}
    if error.code:
        headers["X-Error-Code"] = error.code
    refused = answer({"error": str(error), **error.fields}, error.status, **headers)
    if not request.content.at_eof():
        # The rest of an upload would be taken for the next request.
        refused.force_close()
    return refused


def _unforeseen(request: web.Request) -> web.Response:
    print(f"{request.method} {request.path} failed:", file=sys.stderr)
    traceback.print_exc()
    return _refusal(request, HubError(500, "the server failed; its own output says how"))

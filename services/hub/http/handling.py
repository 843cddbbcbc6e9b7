"""Shared by all handlers: the client's role, the repository, JSON bodies, error responses."""

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
from services.hub.errors import HubError, repo_not_found
from services.hub.fields import read_object
from services.hub.names import RepoId, repo_id
from services.hub.storage.catalog import Repository
from services.hub.storage.state import Hub

HUB = web.AppKey("hub", Hub)
# For JSON and form bodies; commits and uploads are streamed and have their own limits.
MAX_BODY_BYTES = 16 * 1024 * 1024

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

# Requests that take much computing are served one at a time; the others are told to come again.
TURN = web.AppKey("turn", asyncio.Semaphore)
_DEADLINE_S = 20.0

T = TypeVar("T")


def json_response(value: Any, status: int = 200, **headers: str) -> web.Response:
    return web.Response(
        body=orjson.dumps(value), status=status, content_type="application/json", headers=headers
    )


async def body_of(request: web.Request) -> dict[str, Any]:
    """The request's JSON object; an empty body is an empty object."""
    text = await request.read()
    return read_object(text) if text.strip() else {}


async def off_loop(work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run blocking work in a thread."""
    return await asyncio.to_thread(work, *args, **kwargs)


async def in_turn(request: web.Request, work: Callable[..., T], *args: Any) -> T:
    """Run bounded computing in a thread, when no other is running; 503 if it is not its turn soon.

    All threads together compute no more than one does, and those that do delay everybody else.
    """
    turn = request.app[TURN]
    try:
        async with asyncio.timeout(_DEADLINE_S):
            await turn.acquire()
    except TimeoutError:
        raise HubError(503, "the server is busy; try again later") from None
    try:
        if request.transport is None:
            raise ConnectionResetError("the client did not wait for its turn")
        return await off_loop(work, *args)
    finally:
        turn.release()


def role_of(request: web.Request) -> Role | None:
    """The role of the request's token."""
    return request.app[HUB].tokens.role(request.headers.get("Authorization"))


def id_of(request: web.Request) -> RepoId:
    """The repository in the request's URL; 404 if the name is invalid."""
    match = request.match_info
    kind = match.get("kind", "models")
    try:
        return repo_id(kind, match["namespace"], match["name"])
    except HubError:
        raise repo_not_found(f"{match['namespace']}/{match['name']}") from None


async def readable(request: web.Request, *, content: bool = False) -> Repository:
    """The repository, if the client may see it; with `content`, if it may read its files."""
    role = role_of(request)
    repo = await off_loop(request.app[HUB].catalog.get, id_of(request))
    settings = await off_loop(lambda: repo.settings)
    if role is None and settings.private:
        # Like the Hub, do not reveal that it exists.
        raise repo_not_found(str(repo.id))
    if role is None and content and settings.gated:
        raise HubError(401, f"Access to {repo.id} is restricted", "GatedRepo")
    return repo


async def writable(request: web.Request) -> Repository:
    """The repository, if the client may change it."""
    require_write(role_of(request))
    return await off_loop(request.app[HUB].catalog.get, id_of(request))


def origin(request: web.Request) -> str:
    """The scheme and host that the client used, which may be those of a proxy."""
    return f"{request.scheme}://{request.host}"


@web.middleware
async def error_middleware(request: web.Request, handler: Any) -> web.StreamResponse:
    """Turn every failure into a JSON error; unexpected ones are also printed to stderr."""
    try:
        _check_origin(request)
        return await handler(request)
    except HubError as error:
        return _error_response(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        message = error.reason
        if error.status == 404:
            message = f"{request.method} {request.path}: not supported by this server"
        return _error_response(request, HubError(error.status, message))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return _error_response(request, HubError(507, "no space left on the server's disk"))
        if isinstance(error, ConnectionError):
            raise
        return _unexpected_error(request)
    except Exception:
        return _unexpected_error(request)


def _check_origin(request: web.Request) -> None:
    """Reject requests from other sites' web pages, which a browser would send to this machine."""
    try:
        host = urlsplit(f"//{request.host}").hostname
    except ValueError:
        host = None
    if host not in _LOOPBACK:
        raise HubError(403, "this server only accepts requests for localhost")
    source = request.headers.get("Origin")
    if source is not None and source != origin(request):
        raise HubError(403, "requests from other sites' pages are rejected")


def _error_response(request: web.Request, error: HubError) -> web.Response:
    # The message may contain client input, and a header allows neither newlines nor non-ASCII.
    headers = {"X-Error-Message": str(error).encode("unicode_escape").decode()}
    if error.code:
        headers["X-Error-Code"] = error.code
    response = json_response({"error": str(error), **error.fields}, error.status, **headers)
    if not request.content.at_eof():
        # Otherwise the rest of an upload would be read as the next request.
        response.force_close()
    return response


def _unexpected_error(request: web.Request) -> web.Response:
    print(f"{request.method} {request.raw_path} failed:", file=sys.stderr)
    traceback.print_exc()
    return _error_response(request, HubError(500, "internal error; see the server's output"))

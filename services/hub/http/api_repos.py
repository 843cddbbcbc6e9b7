"""Create, describe, change and delete repositories."""

from typing import Any

from aiohttp import web

from services.hub.access import require_write
from services.hub.errors import HubError, conflict
from services.hub.fields import text_field
from services.hub.http.handling import (
    HUB,
    body_of,
    id_of,
    json_response,
    off_loop,
    origin,
    readable,
    role_of,
    writable,
)
from services.hub.http.shapes import repo_shape
from services.hub.names import RepoId, repo_id
from services.hub.storage.state import USER
from services.hub.storage.writing import MAIN


async def create(request: web.Request) -> web.Response:
    """POST /api/repos/create. A 409 has the URL of the existing repository."""
    require_write(role_of(request))
    body = await body_of(request)
    repo = _repo_in(body)
    url = origin(request) + repo.page
    try:
        await off_loop(request.app[HUB].catalog.create, repo, body)
    except HubError as error:
        if error.status == 409:
            raise conflict(str(error), url=url) from None
        raise
    return json_response({"url": url, "name": str(repo), "id": str(repo)})


async def delete(request: web.Request) -> web.Response:
    """DELETE /api/repos/delete."""
    require_write(role_of(request))
    await off_loop(request.app[HUB].catalog.delete, _repo_in(await body_of(request)))
    return json_response("OK")


async def describe(request: web.Request) -> web.Response:
    """GET /api/{kind}/{namespace}/{name}[/revision/{revision}]."""
    repo = await readable(request)
    revision = request.match_info.get("revision", MAIN)
    blobs = request.query.get("blobs", "").lower() in ("1", "true")
    return json_response(
        await off_loop(lambda: repo_shape(repo, repo.read.resolve(revision), blobs=blobs))
    )


async def list_repos(request: web.Request) -> web.Response:
    """GET /api/{kind}: the repositories that the client may see."""
    search, author = request.query.get("search", "").lower(), request.query.get("author")
    role = role_of(request)
    catalog = request.app[HUB].catalog

    def shapes() -> list[dict[str, Any]]:
        repos = [catalog.get(repo) for repo in catalog.ids(request.match_info["kind"])]
        return [
            repo_shape(repo, repo.read.resolve(MAIN))
            for repo in repos
            if search in str(repo.id).lower()
            and author in (None, repo.id.namespace)
            and (role is not None or not repo.settings.private)
        ]

    visible = await off_loop(shapes)
    limit = request.query.get("limit", "")
    is_number = limit.isascii() and limit.isdecimal() and len(limit) < 12
    return json_response(visible[: int(limit)] if is_number else visible)


async def settings(request: web.Request) -> web.Response:
    """PUT /api/{kind}/{namespace}/{name}/settings."""
    await writable(request)
    changed = await off_loop(
        request.app[HUB].catalog.change, id_of(request), await body_of(request)
    )
    return json_response({"private": changed.private, "gated": changed.gated})


async def auth_check(request: web.Request) -> web.Response:
    """GET .../auth-check[/write]: whether the token has access to the repository."""
    if request.path.endswith("/write"):
        await writable(request)
    else:
        await readable(request, content=True)
    return json_response({})


def _repo_in(body: dict[str, Any]) -> RepoId:
    """The repository that a body names, by default a model in the user's own namespace."""
    fields = {"type": "model", "organization": USER} | {
        key: value for key, value in body.items() if value is not None
    }
    kind, namespace = text_field(fields, "type"), text_field(fields, "organization")
    return repo_id(f"{kind}s", namespace, text_field(fields, "name"))

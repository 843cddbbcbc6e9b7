"""Creating, describing, changing and deleting repositories."""

from typing import Any

from aiohttp import web

from services.hub.access import require_write
from services.hub.errors import HubError, conflict
from services.hub.handling import (
    HUB,
    answer,
    body_of,
    id_of,
    off_loop,
    origin,
    readable,
    role_of,
    writable,
)
from services.hub.names import RepoId, repo_id
from services.hub.operations import text_field
from services.hub.shapes import repo_shape
from services.hub.state import USER
from services.hub.writing import MAIN


async def create(request: web.Request) -> web.Response:
    """POST /api/repos/create. A 409 names the address of the repository that is there."""
    require_write(role_of(request))
    body = await body_of(request)
    repo = _named(body)
    url = origin(request) + repo.page
    try:
        await off_loop(request.app[HUB].catalog.create, repo, body)
    except HubError as error:
        if error.status == 409:
            raise conflict(str(error), url=url) from None
        raise
    return answer({"url": url, "name": str(repo), "id": str(repo)})


async def delete(request: web.Request) -> web.Response:
    """DELETE /api/repos/delete."""
    require_write(role_of(request))
    await off_loop(request.app[HUB].catalog.delete, _named(await body_of(request)))
    return answer("OK")


async def describe(request: web.Request) -> web.Response:
    """GET /api/{kind}/{namespace}/{name}[/revision/{revision}]."""
    repo = await readable(request)
    revision = request.match_info.get("revision", MAIN)
    blobs = request.query.get("blobs", "").lower() in ("1", "true")
    return answer(
        await off_loop(lambda: repo_shape(repo, repo.read.resolve(revision), blobs=blobs))
    )


async def everything(request: web.Request) -> web.Response:
    """GET /api/{kind}: the repositories that the request may see."""
    wanted, author = request.query.get("search", "").lower(), request.query.get("author")
    role = role_of(request)
    catalog = request.app[HUB].catalog

    def shapes() -> list[dict[str, Any]]:
        repos = [catalog.get(repo) for repo in catalog.ids(request.match_info["kind"])]
        return [
            repo_shape(repo, repo.read.resolve(MAIN))
            for repo in repos
            if wanted in str(repo.id).lower()
            and author in (None, repo.id.namespace)
            and (role is not None or not repo.settings.private)
        ]

    found = await off_loop(shapes)
    limit = request.query.get("limit", "")
    return answer(found[: int(limit)] if limit.isdecimal() else found)


async def settings(request: web.Request) -> web.Response:
    """PUT /api/{kind}/{namespace}/{name}/settings."""
    await writable(request)
    changed = await off_loop(
        request.app[HUB].catalog.change, id_of(request), await body_of(request)
    )
    return answer({"private": changed.private, "gated": changed.gated})


async def auth_check(request: web.Request) -> web.Response:
    """GET .../auth-check[/write]: whether the token opens the repository."""
    if request.path.endswith("/write"):
        await writable(request)
    else:
        await readable(request, content=True)
    return answer({})


def _named(body: dict[str, Any]) -> RepoId:
    """The repository that a body names; without an organisation it is the user's own."""
    given = {"type": "model", "organization": USER} | {
        key: value for key, value in body.items() if value is not None
    }
    kind, namespace = text_field(given, "type"), text_field(given, "organization")
    return repo_id(f"{kind}s", namespace, text_field(given, "name"))

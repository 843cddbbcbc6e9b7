"""The collections API: create, read, change, delete, and the same of a collection's items."""

from aiohttp import web

from services.hub.access import require_write
from services.hub.collection_store import Collections
from services.hub.errors import HubError, bad_request, repo_not_found
from services.hub.handling import HUB, answer, body_of, off_loop, role_of
from services.hub.names import repo_id
from services.hub.operations import text_field


async def create(request: web.Request) -> web.Response:
    """POST /api/collections."""
    require_write(role_of(request))
    return answer(await off_loop(_held(request).create, await body_of(request)))


async def everything(request: web.Request) -> web.Response:
    """GET /api/collections[?owner=]."""
    owners = request.query.getall("owner", [])
    role = role_of(request)
    found = await off_loop(_held(request).all)
    return answer(
        [
            # The client numbers them itself, and fails where they have a place already.
            {key: value for key, value in one.items() if key != "position"}
            for one in found
            if (role or not one["private"]) and (not owners or one["owner"]["name"] in owners)
        ]
    )


async def get(request: web.Request) -> web.Response:
    """GET /api/collections/{slug}."""
    found = await off_loop(_held(request).get, _slug(request))
    if found["private"] and role_of(request) is None:
        raise HubError(404, "Collection not found")
    return answer(found)


async def change(request: web.Request) -> web.Response:
    """PATCH /api/collections/{slug}."""
    require_write(role_of(request))
    changed = await off_loop(_held(request).change, _slug(request), await body_of(request))
    return answer({"success": True, "data": changed})


async def delete(request: web.Request) -> web.Response:
    """DELETE /api/collections/{slug}."""
    require_write(role_of(request))
    await off_loop(_held(request).delete, _slug(request))
    return answer({"success": True})


async def add_item(request: web.Request) -> web.Response:
    """POST /api/collections/{slug}/items: a dataset or a model of this server's."""
    require_write(role_of(request))
    body = await body_of(request)
    item = body.get("item")
    if not isinstance(item, dict):
        raise bad_request("'item' must be an object with an 'id' and a 'type'")
    kind, name = text_field(item, "type"), text_field(item, "id")
    namespace, _, rest = name.partition("/")
    try:
        repo = repo_id(f"{kind}s", namespace, rest)
        await off_loop(request.app[HUB].catalog.get, repo)
    except HubError:
        raise repo_not_found(f"{kind} {name}"[:200]) from None
    note = text_field(body, "note") if body.get("note") is not None else None
    return answer(await off_loop(_held(request).add, _slug(request), kind, name, note))


async def change_item(request: web.Request) -> web.Response:
    """PATCH /api/collections/{slug}/items/{item}."""
    require_write(role_of(request))
    item, body = request.match_info["item"], await body_of(request)
    await off_loop(_held(request).change_item, _slug(request), item, body)
    return answer({"success": True})


async def delete_item(request: web.Request) -> web.Response:
    """DELETE /api/collections/{slug}/items/{item}."""
    require_write(role_of(request))
    await off_loop(_held(request).delete_item, _slug(request), request.match_info["item"])
    return answer({"success": True})


def _held(request: web.Request) -> Collections:
    return request.app[HUB].collections


def _slug(request: web.Request) -> str:
    return f"{request.match_info['namespace']}/{request.match_info['slug']}"

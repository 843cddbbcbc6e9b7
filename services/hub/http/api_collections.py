"""The collections API: create, read, change and delete collections and their items."""

from aiohttp import web

from services.hub.access import require_write
from services.hub.errors import HubError, bad_request, repo_not_found
from services.hub.fields import text_field
from services.hub.http.handling import HUB, body_of, json_response, off_loop, role_of
from services.hub.names import repo_id
from services.hub.storage.collection_store import Collections


async def create(request: web.Request) -> web.Response:
    """POST /api/collections."""
    require_write(role_of(request))
    return json_response(await off_loop(_collections(request).create, await body_of(request)))


async def list_collections(request: web.Request) -> web.Response:
    """GET /api/collections[?owner=]."""
    owners = request.query.getall("owner", [])
    role = role_of(request)
    collections = await off_loop(_collections(request).all)
    return json_response(
        [
            # The client numbers them itself, and fails if they have a position.
            {key: value for key, value in collection.items() if key != "position"}
            for collection in collections
            if (role or not collection["private"])
            and (not owners or collection["owner"]["name"] in owners)
        ]
    )


async def get(request: web.Request) -> web.Response:
    """GET /api/collections/{slug}."""
    collection = await off_loop(_collections(request).get, _slug(request))
    if collection["private"] and role_of(request) is None:
        raise HubError(404, "Collection not found")
    return json_response(collection)


async def change(request: web.Request) -> web.Response:
    """PATCH /api/collections/{slug}."""
    require_write(role_of(request))
    changed = await off_loop(_collections(request).change, _slug(request), await body_of(request))
    return json_response({"success": True, "data": changed})


async def delete(request: web.Request) -> web.Response:
    """DELETE /api/collections/{slug}."""
    require_write(role_of(request))
    await off_loop(_collections(request).delete, _slug(request))
    return json_response({"success": True})


async def add_item(request: web.Request) -> web.Response:
    """POST /api/collections/{slug}/items: a dataset or a model on this server."""
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
    return json_response(
        await off_loop(_collections(request).add, _slug(request), kind, name, note)
    )


async def change_item(request: web.Request) -> web.Response:
    """PATCH /api/collections/{slug}/items/{item}."""
    require_write(role_of(request))
    item, body = request.match_info["item"], await body_of(request)
    await off_loop(_collections(request).change_item, _slug(request), item, body)
    return json_response({"success": True})


async def delete_item(request: web.Request) -> web.Response:
    """DELETE /api/collections/{slug}/items/{item}."""
    require_write(role_of(request))
    await off_loop(_collections(request).delete_item, _slug(request), request.match_info["item"])
    return json_response({"success": True})


def _collections(request: web.Request) -> Collections:
    return request.app[HUB].collections


def _slug(request: web.Request) -> str:
    return f"{request.match_info['namespace']}/{request.match_info['slug']}"

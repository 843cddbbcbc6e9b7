"""The upload half of the Git LFS protocol: a batch call hands out addresses, a PUT fills one."""

import hashlib
import hmac

from aiohttp import web

from services.hub.errors import HubError, bad_request
from services.hub.handling import HUB, answer, body_of, off_loop, origin, writable
from services.hub.names import is_sha256
from services.hub.operations import sha256_field, size_field
from services.hub.state import Hub

_PIECE = 1024 * 1024


async def batch(request: web.Request) -> web.Response:
    """POST {repository}.git/info/lfs/objects/batch: which objects are missing, and where to put."""
    await writable(request)
    hub = request.app[HUB]
    body = await body_of(request)
    if body.get("operation") != "upload":
        raise HubError(501, "large files are read from their resolve address, not through LFS")
    if body.get("hash_algo", "sha256") != "sha256":
        raise bad_request("LFS objects are known by their sha256")
    objects = body.get("objects")
    if not isinstance(objects, list) or not all(isinstance(one, dict) for one in objects):
        raise bad_request("'objects' must be a list of objects")
    return answer({"transfer": "basic", "objects": [_action(request, hub, one) for one in objects]})


async def put(request: web.Request) -> web.Response:
    """PUT /lfs/{oid}?size=&signature=: the object itself, streamed to the disk and verified."""
    hub, oid = request.app[HUB], request.match_info["oid"]
    size = _announced_size(request)
    if not is_sha256(oid) or not hmac.compare_digest(
        request.query.get("signature", "").encode(errors="replace"),
        _signature(hub, oid, size).encode(),
    ):
        raise HubError(403, "this address was not handed out by the server")
    if request.content_length not in (None, size):
        raise bad_request(f"{request.content_length} bytes announced instead of {size}")
    if hub.objects.size(oid) == size:
        async for _ in request.content.iter_chunked(_PIECE):
            pass
        return _stored(oid)
    with hub.objects.receive(oid, size) as incoming:
        async for piece in request.content.iter_chunked(_PIECE):
            await off_loop(incoming.write, piece)
        await off_loop(incoming.keep)
    return _stored(oid)


def _stored(oid: str) -> web.Response:
    return web.Response(headers={"ETag": f'"{oid}"'})


def _action(request: web.Request, hub: Hub, wanted: dict) -> dict:
    oid, size = sha256_field(wanted), size_field(wanted)
    if hub.objects.size(oid) == size:
        return {"oid": oid, "size": size}
    href = f"{origin(request)}/lfs/{oid}?size={size}&signature={_signature(hub, oid, size)}"
    return {"oid": oid, "size": size, "actions": {"upload": {"href": href}}}


def _announced_size(request: web.Request) -> int:
    text = request.query.get("size", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise bad_request("'size' must be a number of bytes")
    return int(text)


def _signature(hub: Hub, oid: str, size: int) -> str:
    """The client sends no token with a PUT, so the address itself says who may use it."""
    return hmac.new(hub.upload_key, f"{oid}/{size}".encode(), hashlib.sha256).hexdigest()

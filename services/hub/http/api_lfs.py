"""The upload half of the Git LFS protocol: a batch call returns signed URLs, a PUT uploads."""

import hashlib
import hmac

from aiohttp import web

from services.hub.errors import HubError, bad_request
from services.hub.fields import sha256_field, size_field
from services.hub.http.handling import HUB, body_of, json_response, off_loop, origin, writable
from services.hub.names import is_sha256
from services.hub.storage.state import Hub

_CHUNK_BYTES = 1024 * 1024
# The client asks for 256 at a time.
_MAX_OBJECTS = 1_000


async def batch(request: web.Request) -> web.Response:
    """POST {repository}.git/info/lfs/objects/batch: missing objects and their URLs."""
    await writable(request)
    hub = request.app[HUB]
    body = await body_of(request)
    if body.get("operation") != "upload":
        raise HubError(501, "download large files from their resolve URL, not through LFS")
    if body.get("hash_algo", "sha256") != "sha256":
        raise bad_request("LFS objects are identified by sha256")
    objects = body.get("objects")
    if not isinstance(objects, list) or not all(isinstance(item, dict) for item in objects):
        raise bad_request("'objects' must be a list of objects")
    if len(objects) > _MAX_OBJECTS:
        raise HubError(413, f"ask for at most {_MAX_OBJECTS:,} objects at a time")
    actions = await off_loop(lambda: [_upload_action(request, hub, item) for item in objects])
    return json_response({"transfer": "basic", "objects": actions})


async def put(request: web.Request) -> web.Response:
    """PUT /lfs/{oid}?size=&signature=: the object itself, streamed to disk and verified."""
    hub, oid = request.app[HUB], request.match_info["oid"]
    size = _announced_size(request)
    if not is_sha256(oid) or not hmac.compare_digest(
        request.query.get("signature", "").encode(errors="replace"),
        _signature(hub, oid, size).encode(),
    ):
        raise HubError(403, "the signature of this upload URL is wrong")
    if request.content_length not in (None, size):
        raise bad_request(f"Content-Length is {request.content_length}, expected {size}")
    if hub.objects.size(oid) == size:
        async for _ in request.content.iter_chunked(_CHUNK_BYTES):
            pass
        return _stored(oid)
    with hub.objects.receive(oid, size) as incoming:
        async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
            await off_loop(incoming.write, chunk)
        await off_loop(incoming.keep)
    return _stored(oid)


def _stored(oid: str) -> web.Response:
    return web.Response(headers={"ETag": f'"{oid}"'})


def _upload_action(request: web.Request, hub: Hub, item: dict) -> dict:
    oid, size = sha256_field(item), size_field(item)
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
    # The client sends no token with a PUT, so the URL itself is the credential.
    return hmac.new(hub.upload_key, f"{oid}/{size}".encode(), hashlib.sha256).hexdigest()

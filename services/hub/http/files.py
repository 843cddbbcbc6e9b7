"""File downloads: whole, partial, or headers only."""

import asyncio
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from aiohttp import web

from services.hub.errors import entry_not_found
from services.hub.http.handling import HUB, off_loop, readable
from services.hub.storage.reading import Entry

_CHUNK_BYTES = 1024 * 1024
# Types that a browser may display; any other could be a page that runs with the server's origin.
_DISPLAYED = {
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "text/plain",
    ".jsonl": "text/plain",
    ".md": "text/plain",
    ".png": "image/png",
    ".txt": "text/plain",
    ".webp": "image/webp",
    ".yaml": "text/plain",
    ".yml": "text/plain",
}


async def resolve(request: web.Request) -> web.StreamResponse:
    """GET or HEAD {repository}/resolve/{revision}/{path}, with Range and If-None-Match."""
    repo = await readable(request, content=True)
    hub = request.app[HUB]
    revision, path = request.match_info["revision"], request.match_info["path"]
    commit = await off_loop(repo.read.resolve, revision)
    headers = {"X-Repo-Commit": commit}
    entry = await off_loop(repo.read.file, commit, path)
    source: Path | bytes
    if entry.lfs:
        source = hub.objects.path(entry.lfs.oid)
        if hub.objects.size(entry.lfs.oid) != entry.lfs.size:
            raise entry_not_found(f"{path}: its LFS object {entry.lfs.oid} is missing")
    else:
        source = await off_loop(repo.read.content, entry)
    headers |= _headers(entry)
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    return await _send(request, source, entry.size, headers)


def _headers(entry: Entry) -> dict[str, str]:
    etag = entry.lfs.oid if entry.lfs else entry.oid
    name = PurePosixPath(entry.path).name
    headers = {
        "ETag": f'"{etag}"',
        "Accept-Ranges": "bytes",
        "Content-Type": _DISPLAYED.get(
            PurePosixPath(name).suffix.lower(), "application/octet-stream"
        ),
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if entry.lfs:
        headers |= {"X-Linked-Size": str(entry.size), "X-Linked-ETag": f'"{etag}"'}
    return headers


async def _send(
    request: web.Request, source: Path | bytes, size: int, headers: dict[str, str]
) -> web.StreamResponse:
    start, stop, status = _range(request, size, headers["ETag"])
    if status == 416:
        return web.Response(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    if status == 206:
        headers = headers | {"Content-Range": f"bytes {start}-{stop - 1}/{size}"}
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = stop - start
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    if isinstance(source, bytes):
        await response.write(source[start:stop])
        return response
    with source.open("rb") as file:
        file.seek(start)
        while start < stop:
            chunk = await asyncio.to_thread(file.read, min(_CHUNK_BYTES, stop - start))
            if not chunk:
                raise ConnectionResetError(f"{source} was truncated")
            await response.write(chunk)
            start += len(chunk)
    return response


def _range(request: web.Request, size: int, etag: str) -> tuple[int, int, int]:
    """(start, stop, HTTP status) of the requested bytes."""
    try:
        requested = request.http_range
    except ValueError:
        # Not a single byte range: RFC 9110 lets a server send the whole file.
        return 0, size, 200
    is_whole = requested.start is None and requested.stop is None
    # If-Range: the range applies only if the file has not changed.
    if is_whole or request.headers.get("If-Range", etag) != etag:
        return 0, size, 200
    start, stop, _ = requested.indices(size)
    return (start, stop, 206) if start < stop else (0, 0, 416)

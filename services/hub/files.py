"""A file's bytes: whole, in part, or only described."""

import asyncio
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from aiohttp import web

from services.hub.errors import entry_not_found
from services.hub.handling import HUB, off_loop, readable
from services.hub.reading import Entry

_PIECE = 1024 * 1024
# What a browser may show; anything else could be a page that runs in the server's name.
_SHOWN = {
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
            raise entry_not_found(f"{path}: its LFS object {entry.lfs.oid} is not in the store")
    else:
        source = await off_loop(repo.read.content, entry)
    headers |= _describe(entry)
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    return await _send(request, source, entry.size, headers)


def _describe(entry: Entry) -> dict[str, str]:
    etag = entry.lfs.oid if entry.lfs else entry.oid
    name = PurePosixPath(entry.path).name
    headers = {
        "ETag": f'"{etag}"',
        "Accept-Ranges": "bytes",
        "Content-Type": _SHOWN.get(PurePosixPath(name).suffix.lower(), "application/octet-stream"),
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
            piece = await asyncio.to_thread(file.read, min(_PIECE, stop - start))
            if not piece:
                raise ConnectionResetError(f"{source} has become shorter")
            await response.write(piece)
            start += len(piece)
    return response


def _range(request: web.Request, size: int, etag: str) -> tuple[int, int, int]:
    """(first byte, byte after the last, HTTP status) of the part that is asked for."""
    try:
        wanted = request.http_range
    except ValueError:
        # Not one range of bytes: the standard lets a server send the whole.
        return 0, size, 200
    whole = wanted.start is None and wanted.stop is None
    # Asked for only if the file is still the one that the client has the beginning of.
    if whole or request.headers.get("If-Range", etag) != etag:
        return 0, size, 200
    start, stop, _ = wanted.indices(size)
    return (start, stop, 206) if start < stop else (0, 0, 416)

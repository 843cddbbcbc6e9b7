"""Commits, tags and branches."""

from base64 import b64decode
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from services.hub.errors import HubError, bad_request
from services.hub.handling import HUB, answer, body_of, off_loop, origin, readable, writable
from services.hub.names import check_path
from services.hub.operations import (
    MAX_LINE_BYTES,
    MAX_OPERATIONS,
    read_header,
    read_operation,
    size_field,
    text_field,
)
from services.hub.reading import Entry
from services.hub.rules import UploadRules
from services.hub.staging import Staging, staging
from services.hub.writing import MAIN, Change, stage_operation

SET_NO_XET = "/the-embedded-hub-needs/HF_HUB_DISABLE_XET=1"


async def preupload(request: web.Request) -> web.Response:
    """POST .../preupload/{revision}: how each file is to be sent, and what the branch has of it."""
    repo = await writable(request)
    body = await body_of(request)
    files = body.get("files")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise bad_request("'files' must be a list of objects")
    asked = [
        (check_path(text_field(file, "path")), size_field(file), _sample(file)) for file in files
    ]
    given = text_field(body, "gitIgnore") if "gitIgnore" in body else None

    def decide() -> list[dict]:
        commit = repo.read.resolve(request.match_info["revision"])
        attributes = repo.read.read_text(commit, ".gitattributes") or b""
        stored = repo.read.read_text(commit, ".gitignore") or b""
        rules = UploadRules(attributes, stored if given is None else given.encode())
        return [
            {
                "path": path,
                "uploadMode": rules.mode(path, size, sample),
                "shouldIgnore": rules.ignored(path),
                "oid": _oid(repo.read.find(commit, path)),
            }
            for path, size, sample in asked
        ]

    return answer({"files": await off_loop(decide)})


async def commit(request: web.Request) -> web.Response:
    """POST .../commit/{revision}: one JSON object a line; nothing shows until the last step."""
    repo = await writable(request)
    if request.query.get("create_pr", "").lower() in ("1", "true"):
        raise HubError(422, "the embedded Hub has no pull requests: commit to a branch")
    hub = request.app[HUB]
    lines = _lines(request)
    first = await anext(lines, None)
    if first is None:
        raise bad_request("the commit is empty")
    header = read_header(first)
    with staging(hub.scratch) as staged:
        changes = [await off_loop(_staged, staged, line, hub.objects.size) async for line in lines]
        if not changes:
            raise bad_request("a commit needs at least one file to add or delete")
        made = await off_loop(
            repo.write.commit, request.match_info["revision"], header, changes, staged
        )
    return answer(
        {
            "success": True,
            "commitOid": made,
            "commitUrl": f"{origin(request)}{repo.id.page}/commit/{made}",
            "hookOutput": "",
        }
    )


async def squash(request: web.Request) -> web.Response:
    """POST .../super-squash/{branch}."""
    repo = await writable(request)
    branch = request.match_info["branch"]
    message = text_field(await body_of(request), "message", f"Super-squash branch '{branch}'")
    await off_loop(repo.write.squash, branch, message)
    return answer({})


async def create_tag(request: web.Request) -> web.Response:
    """POST .../tag/{revision}."""
    repo = await writable(request)
    body = await body_of(request)
    message = text_field(body, "message", "")
    await off_loop(
        repo.write.create_tag, text_field(body, "tag"), request.match_info["revision"], message
    )
    return answer({})


async def delete_tag(request: web.Request) -> web.Response:
    """DELETE .../tag/{revision}."""
    repo = await writable(request)
    await off_loop(repo.write.delete_tag, request.match_info["revision"])
    return answer({})


async def create_branch(request: web.Request) -> web.Response:
    """POST .../branch/{branch}."""
    repo = await writable(request)
    start = text_field(await body_of(request), "startingPoint", MAIN)
    await off_loop(repo.write.create_branch, request.match_info["branch"], start)
    return answer({})


async def delete_branch(request: web.Request) -> web.Response:
    """DELETE .../branch/{branch}."""
    repo = await writable(request)
    await off_loop(repo.write.delete_branch, request.match_info["branch"])
    return answer({})


async def no_xet(request: web.Request) -> web.Response:
    """GET .../xet-{read,write}-token/{revision}: the one storage that the Hub has and this not.

    The Xet client shows its user no body, only the last address, so that one says what to do.
    """
    await readable(request)
    raise web.HTTPFound(SET_NO_XET)


async def set_no_xet(_: web.Request) -> web.Response:
    """Where `no_xet` leads."""
    raise HubError(501, "the embedded Hub has no Xet storage: set HF_HUB_DISABLE_XET=1")


def _staged(staged: Staging, line: bytes, stored: Callable[[str], int | None]) -> Change:
    return stage_operation(staged, read_operation(line), stored)


async def _lines(request: web.Request) -> AsyncIterator[bytes]:
    """The body's lines, never more of them in memory than one and a read's worth."""
    pending, count = bytearray(), 0
    async for piece in request.content.iter_any():
        pending += piece
        *whole, pending = pending.split(b"\n") if b"\n" in piece else [pending]
        if max(map(len, [*whole, pending])) > MAX_LINE_BYTES:
            raise HubError(413, f"a line of the commit is over {MAX_LINE_BYTES} bytes")
        for line in filter(bytes.strip, map(bytes, whole)):
            count += 1
            if count > MAX_OPERATIONS + 1:
                raise HubError(413, f"a commit has at most {MAX_OPERATIONS} operations")
            yield line
    if pending.strip():
        yield bytes(pending)


def _sample(file: dict) -> bytes:
    try:
        return b64decode(text_field(file, "sample", ""), validate=True)
    except ValueError:
        raise bad_request("'sample' is not base64") from None


def _oid(entry: Entry | None) -> str | None:
    """What the client compares its own file with: an LFS file's SHA-256, else git's id."""
    if entry is None or entry.folder:
        return None
    return entry.lfs.oid if entry.lfs else entry.oid

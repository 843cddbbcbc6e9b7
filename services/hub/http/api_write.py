"""Commits, tags and branches."""

import time
from base64 import b64decode
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from services.hub.errors import HubError, bad_request
from services.hub.fields import size_field, text_field
from services.hub.http.handling import (
    HUB,
    body_of,
    in_turn,
    json_response,
    off_loop,
    origin,
    readable,
    writable,
)
from services.hub.names import check_path
from services.hub.storage.lfs_rules import UploadRules
from services.hub.storage.operations import (
    MAX_LINE_BYTES,
    MAX_OPERATIONS,
    read_header,
    read_operation,
)
from services.hub.storage.reading import Entry
from services.hub.storage.staging import Staging, staging
from services.hub.storage.writing import MAIN, TreeChange, stage_operation

# The client asks about 256 at a time.
_MAX_PREUPLOAD = 1_000
# For a call; those of usual repositories take a fiftieth.
_RULES_CPU_S = 1.0
DISABLE_XET_PATH = "/the-embedded-hub-needs/HF_HUB_DISABLE_XET=1"


async def preupload(request: web.Request) -> web.Response:
    """POST .../preupload/{revision}: how to send each file, and its id on the branch."""
    repo = await writable(request)
    body = await body_of(request)
    files = body.get("files")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise bad_request("'files' must be a list of objects")
    if len(files) > _MAX_PREUPLOAD:
        raise HubError(413, f"ask about at most {_MAX_PREUPLOAD:,} files at a time")
    described = [
        (check_path(text_field(file, "path")), size_field(file), _sample(file)) for file in files
    ]
    sent_ignore = text_field(body, "gitIgnore") if "gitIgnore" in body else None

    def decide() -> list[dict]:
        commit = repo.read.resolve(request.match_info["revision"])
        attributes = repo.read.read_text(commit, ".gitattributes") or b""
        if sent_ignore is None:
            ignore = repo.read.read_text(commit, ".gitignore") or b""
        else:
            ignore = sent_ignore.encode()
        rules = UploadRules(attributes, ignore)
        until = time.thread_time() + _RULES_CPU_S
        decided = []
        for path, size, sample in described:
            if time.thread_time() > until:
                raise HubError(
                    422, "the patterns of .gitattributes and .gitignore take too long to match"
                )
            decided.append(
                {
                    "path": path,
                    "uploadMode": rules.mode(path, size, sample),
                    "shouldIgnore": rules.is_ignored(path),
                    "oid": _comparable_id(repo.read.find(commit, path)),
                }
            )
        return decided

    return json_response({"files": await in_turn(request, decide)})


async def commit(request: web.Request) -> web.Response:
    """POST .../commit/{revision}: one JSON object a line; nothing is visible until all are read."""
    repo = await writable(request)
    if request.query.get("create_pr", "").lower() in ("1", "true"):
        raise HubError(422, "the embedded Hub has no pull requests; commit to a branch")
    hub = request.app[HUB]
    lines = _lines(request)
    first = await anext(lines, None)
    if first is None:
        raise bad_request("the commit is empty")
    header = read_header(first)
    with staging(hub.scratch) as staged:
        changes = [
            await off_loop(_stage_line, staged, line, hub.objects.size) async for line in lines
        ]
        if not changes:
            raise bad_request("a commit needs at least one file to add or delete")
        sha = await off_loop(
            repo.write.commit, request.match_info["revision"], header, changes, staged
        )
    return json_response(
        {
            "success": True,
            "commitOid": sha,
            "commitUrl": f"{origin(request)}{repo.id.page}/commit/{sha}",
            "hookOutput": "",
        }
    )


async def squash(request: web.Request) -> web.Response:
    """POST .../super-squash/{branch}."""
    repo = await writable(request)
    branch = request.match_info["branch"]
    message = text_field(await body_of(request), "message", f"Super-squash branch '{branch}'")
    await off_loop(repo.write.squash, branch, message)
    return json_response({})


async def create_tag(request: web.Request) -> web.Response:
    """POST .../tag/{revision}."""
    repo = await writable(request)
    body = await body_of(request)
    message = text_field(body, "message", "")
    await off_loop(
        repo.write.create_tag, text_field(body, "tag"), request.match_info["revision"], message
    )
    return json_response({})


async def delete_tag(request: web.Request) -> web.Response:
    """DELETE .../tag/{revision}."""
    repo = await writable(request)
    await off_loop(repo.write.delete_tag, request.match_info["revision"])
    return json_response({})


async def create_branch(request: web.Request) -> web.Response:
    """POST .../branch/{branch}."""
    repo = await writable(request)
    start = text_field(await body_of(request), "startingPoint", MAIN)
    await off_loop(repo.write.create_branch, request.match_info["branch"], start)
    return json_response({})


async def delete_branch(request: web.Request) -> web.Response:
    """DELETE .../branch/{branch}."""
    repo = await writable(request)
    await off_loop(repo.write.delete_branch, request.match_info["branch"])
    return json_response({})


async def no_xet(request: web.Request) -> web.Response:
    """GET .../xet-{read,write}-token/{revision}: a redirect to `disable_xet`.

    The Xet client shows no response body, only the last URL, so the URL says what to do.
    """
    await readable(request)
    raise web.HTTPFound(DISABLE_XET_PATH)


async def disable_xet(_: web.Request) -> web.Response:
    """The target of `no_xet`."""
    raise HubError(501, "the embedded Hub has no Xet storage; set HF_HUB_DISABLE_XET=1")


def _stage_line(
    staged: Staging, line: bytes, stored_size: Callable[[str], int | None]
) -> TreeChange:
    return stage_operation(staged, read_operation(line), stored_size)


async def _lines(request: web.Request) -> AsyncIterator[bytes]:
    """The non-empty lines of the body; at most one line and one read are in memory."""
    pending, count = bytearray(), 0
    async for chunk in request.content.iter_any():
        pending += chunk
        *complete, pending = pending.split(b"\n") if b"\n" in chunk else [pending]
        if max(map(len, [*complete, pending])) > MAX_LINE_BYTES:
            raise HubError(413, f"a line of the commit is over {MAX_LINE_BYTES} bytes")
        for line in filter(bytes.strip, map(bytes, complete)):
            count += 1
            if count > MAX_OPERATIONS + 1:
                raise HubError(413, f"a commit may have at most {MAX_OPERATIONS} operations")
            yield line
    if pending.strip():
        yield bytes(pending)


def _sample(file: dict) -> bytes:
    try:
        return b64decode(text_field(file, "sample", ""), validate=True)
    except ValueError:
        raise bad_request("'sample' is not base64") from None


def _comparable_id(entry: Entry | None) -> str | None:
    """The id that the client compares its own file with: SHA-256 for LFS, else the git id."""
    if entry is None or entry.is_folder:
        return None
    return entry.lfs.oid if entry.lfs else entry.oid

"""The contents of a revision: files, paths, refs and history."""

from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from services.hub.errors import HubError, bad_request
from services.hub.fields import read_object
from services.hub.http.handling import json_response, off_loop, origin, readable
from services.hub.http.shapes import commit_shape, file_shape
from services.hub.names import is_path
from services.hub.storage.reading import BRANCHES, TAGS, Entry, RepositoryReader

_PAGE = 1000
_PAGE_EXPANDED = 50
_COMMITS_PAGE = 50
_MAX_PATHS_BYTES = 1024 * 1024


async def tree(request: web.Request) -> web.Response:
    """GET .../tree/{revision}[/{path}]: 1,000 entries a page, 50 with `expand`, like the Hub."""
    repo = await readable(request)
    recursive, expand = _flag(request, "recursive"), _flag(request, "expand")
    revision, path = request.match_info["revision"], request.match_info.get("path", "").strip("/")
    start = _number(request, "cursor")

    def page() -> tuple[str, list[dict[str, Any]], int | None]:
        commit = repo.read.resolve(revision)
        entries = repo.read.listing(commit, path, recursive=recursive)
        end = start + (_PAGE_EXPANDED if expand else _PAGE)
        shapes = _shapes(repo.read, commit, entries[start:end], expand)
        return commit, shapes, end if end < len(entries) else None

    commit, shapes, after = await off_loop(page)
    if after is None:
        return json_response(shapes)
    # The next page is pinned to this commit, since the branch may move in between.
    query = request.rel_url.update_query(cursor=after).query_string
    repo_path, _, rest = request.rel_url.raw_path.partition("/tree/")
    folder = rest.partition("/")[2]
    url = f"{origin(request)}{repo_path}/tree/{commit}" + (f"/{folder}" if folder else "")
    return _with_next_page(shapes, f"{url}?{query}")


async def paths_info(request: web.Request) -> web.Response:
    """POST .../paths-info/{revision}, a form or JSON; paths that do not exist are omitted."""
    repo = await readable(request)
    text = await request.read()
    if len(text) > _MAX_PATHS_BYTES:
        raise HubError(413, f"ask about paths of at most {_MAX_PATHS_BYTES:,} bytes at a time")
    if request.content_type == "application/json":
        body = read_object(text)
        paths, expand = body.get("paths", []), body.get("expand") is True
    else:
        form = await off_loop(parse_qs, text.decode(errors="replace"))
        paths, expand = form.get("paths", []), form.get("expand", [""])[0].lower() in ("1", "true")
    paths = [paths] if isinstance(paths, str) else paths
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise bad_request("'paths' must be a list of strings")

    def shapes() -> list[dict[str, Any]]:
        commit = repo.read.resolve(request.match_info["revision"])
        unique = dict.fromkeys(path.strip("/") for path in paths)
        entries = [repo.read.find(commit, path) for path in unique if is_path(path)]
        return _shapes(repo.read, commit, [entry for entry in entries if entry], expand)

    return json_response(await off_loop(shapes))


async def refs(request: web.Request) -> web.Response:
    """GET .../refs."""
    repo = await readable(request)
    return json_response(
        {
            "branches": await off_loop(_refs, repo.read, BRANCHES),
            "tags": await off_loop(_refs, repo.read, TAGS),
            "converts": [],
            "pullRequests": [],
        }
    )


async def commits(request: web.Request) -> web.Response:
    """GET .../commits/{revision}: 50 a page, newest first."""
    repo = await readable(request)
    page = _number(request, "p")
    formatted = "formatted" in request.query.getall("expand[]", [])

    def shapes() -> list[dict[str, Any]]:
        history = repo.read.history(repo.read.resolve(request.match_info["revision"]))
        first, last = page * _COMMITS_PAGE, (page + 1) * _COMMITS_PAGE
        return [
            commit_shape(sha, commit, formatted=formatted)
            for number, (sha, commit) in enumerate(history)
            if first <= number <= last
        ]

    # One more than a page, to see whether there is a next one.
    listed = await off_loop(shapes)
    if len(listed) <= _COMMITS_PAGE:
        return json_response(listed)
    after = request.rel_url.update_query(p=page + 1)
    return _with_next_page(listed[:_COMMITS_PAGE], f"{origin(request)}{after.raw_path_qs}")


def _shapes(
    read: RepositoryReader, commit: str, entries: list[Entry], expand: bool
) -> list[dict[str, Any]]:
    last = read.last_changes(commit, [entry.path for entry in entries]) if expand else {}
    return [file_shape(entry, last.get(entry.path)) for entry in entries]


def _refs(read: RepositoryReader, prefix: bytes) -> list[dict[str, str]]:
    return [
        {"name": name, "ref": prefix.decode() + name, "targetCommit": commit}
        for name, commit in read.refs(prefix).items()
    ]


def _with_next_page(shapes: list[dict[str, Any]], url: str) -> web.Response:
    return json_response(shapes, Link=f'<{url}>; rel="next"')


def _flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() in ("1", "true")


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 12):
        raise bad_request(f"'{name}' must be a number")
    return int(text)

"""What a revision holds: files, paths, refs, history."""

from typing import Any

from aiohttp import web

from services.hub.errors import bad_request
from services.hub.handling import answer, off_loop, origin, readable
from services.hub.names import is_path
from services.hub.operations import read_object
from services.hub.reading import BRANCHES, TAGS, Entry, Reader
from services.hub.shapes import commit_shape, file_shape

_PAGE = 1000
_PAGE_EXPANDED = 50
_COMMITS_PAGE = 50


async def tree(request: web.Request) -> web.Response:
    """GET .../tree/{revision}[/{path}]: 1,000 entries a page, 50 with `expand`, as the Hub."""
    repo = await readable(request)
    recursive, expand = _flag(request, "recursive"), _flag(request, "expand")
    revision, path = request.match_info["revision"], request.match_info.get("path", "").strip("/")
    start = _number(request, "cursor")

    def page() -> tuple[str, list[dict[str, Any]], int | None]:
        commit = repo.read.resolve(revision)
        found = repo.read.listing(commit, path, recursive=recursive)
        end = start + (_PAGE_EXPANDED if expand else _PAGE)
        shapes = _shapes(repo.read, commit, found[start:end], expand)
        return commit, shapes, end if end < len(found) else None

    commit, shapes, after = await off_loop(page)
    if after is None:
        return answer(shapes)
    # The next page is of this commit, wherever the branch is by then.
    url = request.rel_url.update_query(cursor=after)
    beginning = request.rel_url.raw_path.partition("/tree/")[0]
    rest = request.rel_url.raw_path.partition("/tree/")[2].partition("/")[2]
    address = f"{beginning}/tree/{commit}" + (f"/{rest}" if rest else "")
    return _linked(shapes, f"{origin(request)}{address}?{url.query_string}")


async def paths_info(request: web.Request) -> web.Response:
    """POST .../paths-info/{revision}, a form or JSON; paths that do not exist are left out."""
    repo = await readable(request)
    if request.content_type == "application/json":
        body = read_object(await request.read())
        paths, expand = body.get("paths", []), body.get("expand") is True
    else:
        form = await request.post()
        paths, expand = form.getall("paths", []), str(form.get("expand")).lower() in ("1", "true")
    paths = [paths] if isinstance(paths, str) else paths
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise bad_request("'paths' must be a list of texts")

    def shapes() -> list[dict[str, Any]]:
        commit = repo.read.resolve(request.match_info["revision"])
        wanted = dict.fromkeys(path.strip("/") for path in paths)
        found = [repo.read.find(commit, path) for path in wanted if is_path(path)]
        return _shapes(repo.read, commit, [entry for entry in found if entry], expand)

    return answer(await off_loop(shapes))


async def refs(request: web.Request) -> web.Response:
    """GET .../refs."""
    repo = await readable(request)
    return answer(
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
            commit_shape(commit, found, formatted=formatted)
            for number, (commit, found) in enumerate(history)
            if first <= number <= last
        ]

    found = await off_loop(shapes)
    if len(found) <= _COMMITS_PAGE:
        return answer(found)
    after = request.rel_url.update_query(p=page + 1)
    return _linked(found[:_COMMITS_PAGE], f"{origin(request)}{after.raw_path_qs}")


def _shapes(read: Reader, commit: str, entries: list[Entry], expand: bool) -> list[dict[str, Any]]:
    last = read.last_changes(commit, [entry.path for entry in entries]) if expand else {}
    return [file_shape(entry, last.get(entry.path)) for entry in entries]


def _refs(read: Reader, prefix: bytes) -> list[dict[str, str]]:
    return [
        {"name": name, "ref": prefix.decode() + name, "targetCommit": commit}
        for name, commit in read.refs(prefix).items()
    ]


def _linked(shapes: list[dict[str, Any]], url: str) -> web.Response:
    return answer(shapes, Link=f'<{url}>; rel="next"')


def _flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() in ("1", "true")


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 12):
        raise bad_request(f"'{name}' must be a number")
    return int(text)

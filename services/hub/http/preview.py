"""The rows of a dataset on its page, read by what whoever starts the server brings along."""

import asyncio
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Protocol

from aiohttp import web

from builders.errors import BadInput
from services.hub.errors import HubError
from services.hub.http.handling import json_response, off_loop, readable
from services.hub.names import is_commit
from services.hub.storage.catalog import Repository
from services.hub.storage.objects import ObjectStore
from services.hub.storage.reading import Entry
from services.view.app import Page

# Open pages: each has its index in memory.
_MOST_OPEN = 2


class TextTable(Protocol):
    """The texts of some of `total` rows, in the order of `columns`."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    total: int


@dataclass(frozen=True)
class Preview:
    """What reads a dataset's rows.

    `table` gives up to so many rows of some parquet files, from a number on. `page` makes a page of
    a folder with those files of a commit that match `patterns`; there is one only for a commit that
    has a file for the pattern `needed`. Both raise BadInput where there is nothing to show.
    """

    needed: str
    patterns: Sequence[str]
    page: Callable[[Path], Page]
    table: Callable[[Sequence[Path], int, int], TextTable]

    def is_for(self, files: Sequence[Entry]) -> bool:
        """Whether a commit with these files has a page."""
        return any(fnmatch(entry.path, self.needed) for entry in files)


class OpenPreviews:
    """The pages of the commits that were looked at last, each over links to the Hub's files."""

    def __init__(self, preview: Preview, objects: ObjectStore, scratch: Path) -> None:
        self.preview, self._objects, self._scratch = preview, objects, scratch
        self._pages: OrderedDict[tuple[str, str], Page] = OrderedDict()
        self._lock = threading.Lock()

    def page(self, repo: Repository, commit: str) -> Page:
        """The page of a commit; BadInput if it cannot be shown."""
        key = (str(repo.id), commit)
        # One at a time: opening takes memory.
        with self._lock:
            if key in self._pages:
                self._pages.move_to_end(key)
                return self._pages[key]
            folder = Path(tempfile.mkdtemp(prefix="view-", dir=self._scratch))
            try:
                self._link(repo, commit, folder)
                page = self.preview.page(folder)
            except BadInput as error:
                shutil.rmtree(folder, ignore_errors=True)
                # Readers know the files by their names alone.
                raise BadInput(str(error).replace(f"{folder}/", "")) from None
            self._pages[key] = page
            while len(self._pages) > _MOST_OPEN:
                # Its links stay until the server starts again: somebody may still be reading.
                self._pages.popitem(last=False)
            return page

    def table(self, repo: Repository, files: Sequence[Entry], first: int, most: int) -> TextTable:
        """Up to `most` rows of some parquet files; BadInput if they cannot be read."""
        with tempfile.TemporaryDirectory(prefix="rows-", dir=self._scratch) as scratch:
            paths = [Path(scratch) / f"{number}.parquet" for number in range(len(files))]
            for path, entry in zip(paths, files, strict=True):
                self._put(repo, entry, path)
            return self.preview.table(paths, first, most)

    def _link(self, repo: Repository, commit: str, folder: Path) -> None:
        for entry in repo.read.listing(commit, recursive=True):
            if entry.is_folder or not any(
                fnmatch(entry.path, one) for one in self.preview.patterns
            ):
                continue
            path = folder / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            self._put(repo, entry, path)

    def _put(self, repo: Repository, entry: Entry, path: Path) -> None:
        """Make a file of a commit be at `path`."""
        if entry.lfs:
            path.symlink_to(self._objects.path(entry.lfs.oid).resolve())
        else:
            path.write_bytes(repo.read.content(entry))


PREVIEWS = web.AppKey("previews", OpenPreviews)


async def show(request: web.Request) -> web.Response:
    """GET {repository}/view/{commit}/: the page itself, to be shown in the repository's."""
    page = await _page(request)
    headers = {
        "Content-Security-Policy": page.policy,
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(text=page.html, content_type="text/html", headers=headers)


async def answer(request: web.Request) -> web.Response:
    """GET {repository}/view/{commit}/api/{question}: what the page's script asks."""
    page = await _page(request)
    asked = page.ask(request.match_info["question"], list(request.query.items()))
    if asked is None:
        raise HubError(404, "there is no such question")
    try:
        value = await off_loop(asked.answer)
    except BadInput as error:
        raise HubError(400, str(error)) from None
    except asyncio.CancelledError:
        asked.cancel()
        raise
    if value is None:
        raise HubError(404, "there is no such row")
    return json_response(value, **{"Cross-Origin-Resource-Policy": "same-origin"})


async def _page(request: web.Request) -> Page:
    repo = await readable(request, content=True)
    previews, commit = request.app.get(PREVIEWS), request.match_info["commit"]
    if previews is None or not is_commit(commit):
        raise HubError(404, "there is no such page")
    commit = await off_loop(repo.read.resolve, commit)
    try:
        return await off_loop(previews.page, repo, commit)
    except BadInput as error:
        raise HubError(422, str(error)) from None

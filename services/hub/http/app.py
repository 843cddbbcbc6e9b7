"""The routes: which URL is handled where."""

import asyncio

from aiohttp import web

from services.hub.http import (
    api_account,
    api_collections,
    api_lfs,
    api_repos,
    api_tree,
    api_write,
    files,
    pages,
)
from services.hub.http import preview as preview_pages
from services.hub.http.handling import HUB, MAX_BODY_BYTES, TURN, error_middleware
from services.hub.http.preview import PREVIEWS, OpenPreviews, Preview
from services.hub.storage.state import Hub

_COLLECTION = "/api/collections/{namespace}/{slug}"
_API = "/api/{kind:datasets|models}"
_REPO = _API + "/{namespace}/{name}"
# A dataset's files are below /datasets, a model's directly below its name.
_FILES = ("/{kind:datasets}/{namespace}/{name}", "/{namespace}/{name}")
# The page of a dataset's rows at a commit.
_VIEW = "/{kind:datasets}/{namespace}/{name}/view/{commit}/"


def make_app(hub: Hub, preview: Preview | None = None) -> web.Application:
    """The web application for an open folder; `preview` makes the page of a release's rows."""
    app = web.Application(middlewares=[error_middleware], client_max_size=MAX_BODY_BYTES)
    app[HUB] = hub
    app[pages.CARDS] = {}
    app[TURN] = asyncio.Semaphore(1)
    if preview is not None:
        app[PREVIEWS] = OpenPreviews(preview, hub.objects, hub.scratch)
    app.add_routes(
        [
            web.get("/api/whoami-v2", api_account.whoami),
            web.post("/api/validate-yaml", api_account.validate_yaml),
            web.post("/api/repos/create", api_repos.create),
            web.delete("/api/repos/delete", api_repos.delete),
            web.put("/lfs/{oid}", api_lfs.put),
            web.get(_API, api_repos.list_repos),
            web.get(_REPO, api_repos.describe),
            web.get(_REPO + "/revision/{revision}", api_repos.describe),
            web.put(_REPO + "/settings", api_repos.settings),
            web.get(_REPO + "/auth-check", api_repos.auth_check),
            web.get(_REPO + "/auth-check/write", api_repos.auth_check),
            web.get(_REPO + "/tree/{revision}", api_tree.tree),
            web.get(_REPO + "/tree/{revision}/{path:.*}", api_tree.tree),
            web.post(_REPO + "/paths-info/{revision}", api_tree.paths_info),
            web.get(_REPO + "/refs", api_tree.refs),
            web.get(_REPO + "/commits/{revision}", api_tree.commits),
            web.post(_REPO + "/preupload/{revision}", api_write.preupload),
            web.post(_REPO + "/commit/{revision}", api_write.commit),
            web.post(_REPO + "/super-squash/{branch}", api_write.squash),
            web.post(_REPO + "/tag/{revision}", api_write.create_tag),
            web.delete(_REPO + "/tag/{revision}", api_write.delete_tag),
            web.post(_REPO + "/branch/{branch}", api_write.create_branch),
            web.delete(_REPO + "/branch/{branch}", api_write.delete_branch),
            web.get(_REPO + "/xet-{direction:read|write}-token/{revision}", api_write.no_xet),
            web.get(api_write.DISABLE_XET_PATH, api_write.disable_xet),
            web.post("/api/collections", api_collections.create),
            web.get("/api/collections", api_collections.list_collections),
            web.get(_COLLECTION, api_collections.get),
            web.patch(_COLLECTION, api_collections.change),
            web.delete(_COLLECTION, api_collections.delete),
            web.post(_COLLECTION + "/items", api_collections.add_item),
            web.patch(_COLLECTION + "/items/{item}", api_collections.change_item),
            web.delete(_COLLECTION + "/items/{item}", api_collections.delete_item),
            web.get("/", pages.home),
            web.get("/{kind:datasets}/{namespace}/{name}", pages.repository),
            web.get("/{namespace}/{name}", pages.repository),
            web.get(_VIEW, preview_pages.show),
            web.get(_VIEW + "api/{question}", preview_pages.answer),
        ]
    )
    for prefix in _FILES:
        app.router.add_post(prefix + ".git/info/lfs/objects/batch", api_lfs.batch)
        app.router.add_get(prefix + "/tree/{revision}", pages.repository)
        app.router.add_get(prefix + "/resolve/{revision}/{path:.+}", files.resolve)
    return app

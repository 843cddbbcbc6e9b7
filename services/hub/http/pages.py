"""Web pages: the list of repositories, and one repository with its card."""

from functools import cache
from itertools import islice
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.hub.errors import HubError
from services.hub.http.handling import HUB, off_loop, readable, role_of
from services.hub.http.markdown import MAX_CARD_CHARS, render_card, without_front_matter
from services.hub.http.shapes import date_of, title_and_message
from services.hub.names import RepoId
from services.hub.storage.catalog import Repository
from services.hub.storage.reading import BRANCHES, TAGS
from services.hub.storage.writing import MAIN

_COMMITS_SHOWN = 20
_FILES_SHOWN = 1000
# No scripts and nothing from other origins; the only style block is the template's.
_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; form-action 'none'"


async def home(request: web.Request) -> web.Response:
    """GET /: the repositories that the client may see."""
    role, catalog = role_of(request), request.app[HUB].catalog

    def visible() -> list[RepoId]:
        return [
            repo
            for repo in catalog.ids()
            if role is not None or not catalog.get(repo).settings.private
        ]

    return _page("home.html.j2", repos=await off_loop(visible))


async def repository(request: web.Request) -> web.Response:
    """GET /datasets/{namespace}/{name} and /{namespace}/{name}, at a revision or main.

    The revision is in `?revision=` or, as on the Hub, behind /tree/.
    """
    revision = request.match_info.get("revision") or request.query.get("revision", MAIN)
    try:
        repo = await readable(request, content=True)
        values = await off_loop(_page_values, repo, revision)
    except HubError as error:
        return _page("error.html.j2", error.status, message=str(error))
    return _page("repository.html.j2", **values)


def _page_values(repo: Repository, revision: str) -> dict:
    commit = repo.read.resolve(revision)
    files = [entry for entry in repo.read.listing(commit, recursive=True) if not entry.is_folder]
    base = f"{repo.id.page}/resolve/{commit}"
    return {
        "repo": repo.id,
        "settings": repo.settings,
        "revision": revision,
        "commit": commit,
        "files": [
            (
                entry.path,
                f"{base}/{quote(entry.path)}",
                _bytes(entry.size) + (" (LFS)" if entry.lfs else ""),
            )
            for entry in files[:_FILES_SHOWN]
        ],
        "hidden": max(0, len(files) - _FILES_SHOWN),
        "total": _bytes(sum(entry.size for entry in files)),
        "branches": repo.read.refs(BRANCHES),
        "tags": repo.read.refs(TAGS),
        "commits": [
            (sha, title_and_message(stored)[0], date_of(stored)[:16].replace("T", " "))
            for sha, stored in islice(repo.read.history(commit), _COMMITS_SHOWN)
        ],
        "card": _card(repo, commit, base),
    }


def _card(repo: Repository, commit: str, base: str) -> Markup | None:
    readme = repo.read.read_text(commit, "README.md")
    text = without_front_matter(readme.decode(errors="replace")) if readme else ""
    if not text.strip() or len(text) > MAX_CARD_CHARS:
        return None
    # Safe: the renderer escapes the card's own HTML.
    return Markup(render_card(text, base))  # noqa: S704


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("services.hub.http"), autoescape=True, undefined=StrictUndefined
    )


def _page(template: str, status: int = 200, **values: object) -> web.Response:
    html = _templates().get_template(template).render(**values)
    headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
    return web.Response(text=html, status=status, content_type="text/html", headers=headers)

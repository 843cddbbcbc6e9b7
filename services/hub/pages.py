"""What a browser shows: the repositories, and one repository with its card."""

from dataclasses import dataclass
from functools import cache
from urllib.parse import quote

from aiohttp import web
from dulwich.objects import Commit
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.hub.catalog import Repository
from services.hub.errors import HubError
from services.hub.handling import HUB, off_loop, readable, role_of
from services.hub.markdown import MAX_CARD_CHARS, render_card, without_front_matter
from services.hub.names import RepoId
from services.hub.reading import BRANCHES, TAGS, Entry
from services.hub.shapes import date_of, title_and_message
from services.hub.writing import MAIN

_COMMITS_SHOWN = 20
_FILES_SHOWN = 1000
# No script at all, and nothing from anywhere else; the template's one style block is our own.
_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; form-action 'none'"


@dataclass(frozen=True)
class Made:
    """One line of a history."""

    sha: str
    title: str
    date: str


async def home(request: web.Request) -> web.Response:
    """GET /: the repositories that the request may see."""
    role, catalog = role_of(request), request.app[HUB].catalog

    def visible() -> list[RepoId]:
        return [
            repo
            for repo in catalog.ids()
            if role is not None or not catalog.get(repo).settings.private
        ]

    return _page("home.html.j2", repos=await off_loop(visible))


async def repository(request: web.Request) -> web.Response:
    """GET /datasets/{namespace}/{name} and /{namespace}/{name}, `?revision=` or main."""
    try:
        repo = await readable(request, content=True)
        facts = await off_loop(_facts, repo, request.query.get("revision", MAIN))
    except HubError as error:
        return _page("refused.html.j2", error.status, message=str(error))
    return _page("repository.html.j2", **facts)


def _facts(repo: Repository, revision: str) -> dict:
    commit = repo.read.resolve(revision)
    found = [one for one in repo.read.listing(commit, recursive=True) if not one.folder]
    base = f"{repo.id.page}/resolve/{commit}"
    return {
        "repo": repo.id,
        "settings": repo.settings,
        "revision": revision,
        "commit": commit,
        "files": [(one.path, f"{base}/{quote(one.path)}", _size(one)) for one in found][
            :_FILES_SHOWN
        ],
        "hidden": max(0, len(found) - _FILES_SHOWN),
        "total": _bytes(sum(one.size for one in found)),
        "branches": repo.read.refs(BRANCHES),
        "tags": repo.read.refs(TAGS),
        "commits": [_made(*one) for one in _first(repo, commit)],
        "card": _card(repo, commit, base),
    }


def _first(repo: Repository, commit: str) -> list[tuple[str, Commit]]:
    return [one for one, _ in zip(repo.read.history(commit), range(_COMMITS_SHOWN), strict=False)]


def _made(sha: str, commit: Commit) -> Made:
    return Made(sha, title_and_message(commit)[0], date_of(commit)[:16].replace("T", " "))


def _card(repo: Repository, commit: str, base: str) -> Markup | None:
    readme = repo.read.read_text(commit, "README.md")
    text = without_front_matter(readme.decode(errors="replace")) if readme else ""
    if not text.strip() or len(text) > MAX_CARD_CHARS:
        return None
    # Safe: the renderer escapes the card's own HTML.
    return Markup(render_card(text, base))  # noqa: S704


def _size(entry: Entry) -> str:
    return _bytes(entry.size) + (" (LFS)" if entry.lfs else "")


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
        loader=PackageLoader("services.hub"), autoescape=True, undefined=StrictUndefined
    )


def _page(template: str, status: int = 200, **facts: object) -> web.Response:
    html = _templates().get_template(template).render(**facts)
    headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
    return web.Response(text=html, status=status, content_type="text/html", headers=headers)

"""Web pages: the list of repositories, and one repository with its rows, its card and its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from builders.errors import BadInput
from services.hub.errors import HubError
from services.hub.http.handling import HUB, TURN, in_turn, off_loop, readable, role_of
from services.hub.http.markdown import MAX_CARD_CHARS, rendered_card, without_front_matter
from services.hub.http.preview import PREVIEWS, OpenPreviews
from services.hub.http.rows import splits_of
from services.hub.http.shapes import card_data, date_of, title_and_message
from services.hub.names import RepoId
from services.hub.storage.catalog import Repository
from services.hub.storage.reading import BRANCHES, TAGS, Entry
from services.hub.storage.writing import MAIN

_COMMITS_SHOWN = 20
_FILES_SHOWN = 1000
# Rendered cards by their Markdown and the address of their files; None for one that takes too long.
CARDS = web.AppKey("cards", dict[tuple[str, str], str | None])
_CARDS_KEPT = 50
_ROWS_SHOWN = 10
# No scripts and nothing from other origins; the only style block is the template's. The page of a
# dataset's rows has a policy of its own.
_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


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
    previews = request.app.get(PREVIEWS)
    try:
        repo = await readable(request, content=True)
        values = await off_loop(_page_values, repo, revision)
        files = values.pop("entries")
        values["rows"] = None
        if previews is not None and repo.id.kind == "datasets":
            looked_at = _LookedAt.of(request)
            values["rows"] = await in_turn(
                request, _rows_values, previews, repo, values["commit"], files, looked_at
            )
        values["card"] = await _card(request, values.pop("text"), values.pop("base"))
    except HubError as error:
        return _page("error.html.j2", error.status, message=str(error))
    return _page("repository.html.j2", **values)


@dataclass(frozen=True)
class _LookedAt:
    """Which rows the address asks for: `?rows=CONFIG/SPLIT&first=N`."""

    rows: str | None
    first: int

    @classmethod
    def of(cls, request: web.Request) -> "_LookedAt":
        first = request.query.get("first", "")
        is_number = first.isascii() and first.isdigit() and len(first) < 12
        return cls(request.query.get("rows"), int(first) if is_number else 0)


def _rows_values(
    previews: OpenPreviews,
    repo: Repository,
    commit: str,
    files: Sequence[Entry],
    looked_at: _LookedAt,
) -> dict:
    """What the page says of rows: the configs with their splits, and the rows of the chosen one."""
    configs = card_data(repo.read.read_text(commit, "README.md") or b"").get("configs")
    listed = configs if isinstance(configs, list) else []
    named = [one.get("config_name") for one in listed if isinstance(one, dict)]
    splits = splits_of(files, [name for name in named if isinstance(name, str)])
    by_config: dict[str, list[str]] = {}
    for config, split in splits:
        by_config.setdefault(config, []).append(split)
    config, _, split = (looked_at.rows or "").rpartition("/")
    table = problem = None
    if chosen := splits.get((config, split)):
        try:
            table = previews.table(repo, chosen, looked_at.first, _ROWS_SHOWN)
        except BadInput as error:
            problem = str(error)
    return {
        "configs": by_config,
        "chosen": looked_at.rows if chosen else None,
        "first": looked_at.first,
        "table": table,
        "problem": problem,
        "most": _ROWS_SHOWN,
        "view": f"{repo.id.page}/view/{commit}/" if previews.preview.is_for(files) else None,
    }


def _page_values(repo: Repository, revision: str) -> dict:
    commit = repo.read.resolve(revision)
    files = [entry for entry in repo.read.listing(commit, recursive=True) if not entry.is_folder]
    base = f"{repo.id.page}/resolve/{commit}"
    return {
        "entries": files,
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
        "base": base,
        "text": _text(repo, commit),
    }


def _text(repo: Repository, commit: str) -> str:
    """The card's Markdown; empty if there is none, or too much of it."""
    readme = repo.read.read_text(commit, "README.md") or b""
    text = without_front_matter(readme.decode(errors="replace"))
    return text if text.strip() and len(text) <= MAX_CARD_CHARS else ""


async def _card(request: web.Request, text: str, base: str) -> Markup | str | None:
    """The card as HTML, or as it is if it takes too long to render; None without one."""
    if not text:
        return None
    cards = request.app[CARDS]
    if (text, base) not in cards:
        async with request.app[TURN]:
            # Another request may have rendered it meanwhile.
            if (text, base) not in cards:
                cards[text, base] = await rendered_card(text, base)
        while len(cards) > _CARDS_KEPT:
            del cards[next(iter(cards))]
    html = cards.get((text, base))
    # Safe: the renderer escapes the card's own HTML.
    return text if html is None else Markup(html)  # noqa: S704


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

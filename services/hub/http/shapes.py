"""Repositories, files and commits in the Hub's JSON format."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from dulwich.objects import Commit

from cards.front_matter import MAX_CHARS, FrontMatterError, front_matter
from services.hub.storage.catalog import Repository
from services.hub.storage.reading import Entry

# Bytes of a card that are looked at for its front matter.
_CARD_BYTES = 4 * MAX_CHARS


def date_of(commit: Commit) -> str:
    """ISO 8601 in UTC with milliseconds, the format that the clients parse."""
    moment = datetime.fromtimestamp(commit.commit_time, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def file_shape(entry: Entry, last: tuple[str, Commit] | None = None) -> dict[str, Any]:
    """One entry of a tree; `last` is the id and the commit that last changed it."""
    shape: dict[str, Any] = {
        "type": "directory" if entry.is_folder else "file",
        "oid": entry.oid,
        "size": entry.size,
        "path": entry.path,
    }
    if entry.lfs:
        shape["lfs"] = {
            "oid": entry.lfs.oid,
            "size": entry.lfs.size,
            "pointerSize": len(entry.lfs.pointer()),
        }
    if last:
        sha, commit = last
        title, _ = title_and_message(commit)
        shape["lastCommit"] = {"id": sha, "title": title, "date": date_of(commit)}
    return shape


def commit_shape(sha: str, commit: Commit, *, formatted: bool = False) -> dict[str, Any]:
    """One entry of a history."""
    title, message = title_and_message(commit)
    author = commit.author.decode(errors="replace").partition(" <")[0]
    shape = {
        "id": sha,
        "title": title,
        "message": message,
        "authors": [{"user": author}],
        "date": date_of(commit),
    }
    if formatted:
        shape["formatted"] = {"title": title, "message": message}
    return shape


def title_and_message(commit: Commit) -> tuple[str, str]:
    """The first paragraph of a commit's message, and the rest."""
    title, _, message = commit.message.decode(errors="replace").partition("\n\n")
    return title, message


def repo_shape(repo: Repository, commit: str, *, blobs: bool = False) -> dict[str, Any]:
    """A repository at one commit; with `blobs`, with the sizes of its files."""
    settings = repo.settings
    files = [entry for entry in repo.read.listing(commit, recursive=True) if not entry.is_folder]
    card = card_data(repo.read.read_text(commit, "README.md") or b"")
    tags = card.get("tags")
    shape = {
        "_id": commit[:24],
        "id": str(repo.id),
        "author": repo.id.namespace,
        "sha": commit,
        "lastModified": date_of(repo.read.commit(commit)),
        "createdAt": settings.created,
        "private": settings.private,
        "gated": settings.gated,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [],
        "usedStorage": sum(entry.size for entry in files),
        "cardData": card,
        "siblings": [_sibling(entry, blobs) for entry in files],
    }
    if repo.id.kind == "models":
        shape["modelId"] = str(repo.id)
        for key in ("library_name", "pipeline_tag"):
            if isinstance(card.get(key), str):
                shape[key] = card[key]
    return shape


def _sibling(entry: Entry, blobs: bool) -> dict[str, Any]:
    shape: dict[str, Any] = {"rfilename": entry.path}
    if blobs:
        shape |= {"size": entry.size, "blobId": entry.oid}
        if entry.lfs:
            shape["lfs"] = {
                "size": entry.lfs.size,
                "sha256": entry.lfs.oid,
                "pointerSize": len(entry.lfs.pointer()),
            }
    return shape


# A listing asks for the cards of all repositories, each of which takes up to a second.
@lru_cache(maxsize=256)
def card_data(readme: bytes) -> Mapping[str, Any]:
    """A card's front matter as JSON types; {} if it is missing or cannot be parsed."""
    try:
        data = front_matter(readme[:_CARD_BYTES].decode(errors="replace"))
        return _json_value(data) if isinstance(data, Mapping) else {}
    except (FrontMatterError, ValueError):
        return {}


def _json_value(value: Any) -> Any:
    """The value in JSON types. ValueError for a number with too many digits."""
    if isinstance(value, Mapping):
        return {str(key): _json_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_json_value(inner) for inner in value]
    if value is None or isinstance(value, str | bool | float):
        return value
    return value if isinstance(value, int) and abs(value) < 2**53 else str(value)

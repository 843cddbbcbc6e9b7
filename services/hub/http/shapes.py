"""Repositories, files and commits in the Hub's JSON format."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import yaml
from dulwich.objects import Commit

from services.hub.storage.catalog import Repository
from services.hub.storage.reading import Entry

# Limits on YAML characters and values: far above any real card, low enough not to block the server.
_MAX_FRONT_MATTER = 1_000_000
_MAX_VALUES = 100_000


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


def card_data(readme: bytes) -> dict[str, Any]:
    """A card's front matter as JSON types; {} if it is missing or cannot be parsed."""
    try:
        data = front_matter(readme.decode())
        return _json_value(data, iter(range(_MAX_VALUES))) if isinstance(data, Mapping) else {}
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}


def front_matter(card: str) -> Any:
    """The YAML between the two `---` lines, parsed; None if they are missing.

    Raises `yaml.YAMLError`, `ValueError` or `RecursionError` if it cannot be parsed.
    """
    lines = card.lstrip("\ufeff").replace("\r\n", "\n").split("\n")
    end = next((n for n, line in enumerate(lines) if n and line.rstrip() == "---"), None)
    if lines[0].rstrip() != "---" or end is None:
        return None
    text = "\n".join(lines[1:end])
    if len(text) > _MAX_FRONT_MATTER:
        raise ValueError(f"the front matter is over {_MAX_FRONT_MATTER} characters")
    return yaml.safe_load(text)


def _json_value(value: Any, budget: Iterator[int]) -> Any:
    """The value in JSON types. The budget stops recursive YAML aliases."""
    if next(budget, None) is None:
        raise ValueError(f"the front matter has over {_MAX_VALUES} values")
    if isinstance(value, Mapping):
        return {str(key): _json_value(inner, budget) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_json_value(inner, budget) for inner in value]
    if value is None or isinstance(value, str | bool | float):
        return value
    return value if isinstance(value, int) and abs(value) < 2**53 else str(value)

"""Collections: named lists of repositories, one JSON file each."""

import json
import re
import secrets
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.hub.durable import fsync_folder, write_durably
from services.hub.errors import HubError, bad_request, conflict
from services.hub.names import is_repo_part
from services.hub.operations import text_field

MAX_DESCRIPTION = 150
MAX_NOTE = 500
MAX_TITLE = 60

_SLUG = re.compile(r"[a-z0-9-]{1,80}-[0-9a-f]{24}")

Collection = dict[str, Any]


class Collections:
    """`root/NAMESPACE/SLUG.json`, each replaced whole; `scratch` is a folder on the same disk."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self._root, self._scratch = root, scratch
        self._lock = threading.Lock()

    def get(self, slug: str) -> Collection:
        """The collection, or a refusal where there is none."""
        path = self._path(slug)
        if path is None or not path.is_file():
            raise _no_such(slug)
        return json.loads(path.read_text())

    def all(self) -> list[Collection]:
        """Every collection, in the order of their slugs."""
        return [json.loads(path.read_text()) for path in sorted(self._root.glob("*/*.json"))]

    def create(self, body: Collection) -> Collection:
        """Begin one; a 409 names the slug of a collection of the same title and namespace."""
        namespace = text_field(body, "namespace")
        if not is_repo_part(namespace):
            raise bad_request(f"{namespace!r:.100} cannot be a namespace")
        made: Collection = {
            "title": "",
            "description": None,
            "owner": {"type": "user", "name": namespace},
            "items": [],
            "position": 0,
            "private": False,
            "theme": "blue",
            "upvotes": 0,
        }
        made |= _fields(body)
        if not made["title"]:
            raise bad_request("a collection needs a title")
        with self._lock:
            for other in self.all():
                if (other["owner"]["name"], other["title"]) == (namespace, made["title"]):
                    raise conflict("a collection of this title exists", slug=other["slug"])
            words = "-".join(re.findall(r"[a-z0-9]+", made["title"].lower())) or "collection"
            made["slug"] = f"{namespace}/{words[:80]}-{secrets.token_hex(12)}"
            return self._write(made)

    def change(self, slug: str, body: Collection) -> Collection:
        """Set the fields that the body has."""
        with self._lock:
            return self._write(self.get(slug) | _fields(body))

    def delete(self, slug: str) -> None:
        """Take the collection away."""
        with self._lock:
            self.get(slug)
            path = self._path(slug)
            assert path is not None
            path.unlink()
            fsync_folder(path.parent)

    def add(self, slug: str, kind: str, repo: str, note: str | None) -> Collection:
        """Put a repository at the end; `kind` is `dataset` or `model`."""
        with self._lock:
            found = self.get(slug)
            if any((item["type"], item["id"]) == (kind, repo) for item in found["items"]):
                raise conflict(f"{repo} is in the collection already")
            item = {
                "_id": secrets.token_hex(12),
                "type": kind,
                "repoType": kind,
                "id": repo,
                "position": len(found["items"]),
            }
            found["items"].append(item | _note(note))
            return self._write(found)

    def change_item(self, slug: str, item_id: str, body: Collection) -> None:
        """Change an item's note or its place among the others."""
        with self._lock:
            found = self.get(slug)
            item = _item(found, item_id)
            if body.get("note") is not None:
                item |= _note(text_field(body, "note"))
            position = body.get("position", item["position"])
            if not isinstance(position, int) or not 0 <= position < len(found["items"]):
                raise bad_request("'position' must be the number of a place in the collection")
            found["items"].remove(item)
            found["items"].insert(position, item)
            self._write(found)

    def delete_item(self, slug: str, item_id: str) -> None:
        """Take an item out."""
        with self._lock:
            found = self.get(slug)
            found["items"].remove(_item(found, item_id))
            self._write(found)

    def _write(self, collection: Collection) -> Collection:
        path = self._path(collection["slug"])
        assert path is not None
        for position, item in enumerate(collection["items"]):
            item["position"] = position
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        collection |= {"lastUpdated": now}
        text = json.dumps(collection, indent=2, ensure_ascii=False) + "\n"
        write_durably(path, text.encode(), self._scratch)
        return collection

    def _path(self, slug: str) -> Path | None:
        namespace, _, name = slug.partition("/")
        if not is_repo_part(namespace) or not _SLUG.fullmatch(name):
            return None
        return self._root / namespace / f"{name}.json"


def _no_such(slug: str) -> HubError:
    return HubError(404, f"Collection not found: {slug!r:.120}")


def _item(collection: Collection, item_id: str) -> dict[str, Any]:
    for item in collection["items"]:
        if item["_id"] == item_id:
            return item
    raise HubError(404, f"the collection has no item {item_id!r:.60}")


def _note(note: str | None) -> dict[str, Any]:
    if note is None:
        return {}
    if len(note) > MAX_NOTE:
        raise bad_request(f"a note has at most {MAX_NOTE} characters")
    return {"note": {"text": note, "html": ""}}


def _fields(body: Collection) -> Collection:
    """What a client may set, checked; what it leaves out or sets to null stays as it is."""
    given = {key: value for key, value in body.items() if value is not None}
    fields: Collection = {}
    for key, limit in (("title", MAX_TITLE), ("description", MAX_DESCRIPTION), ("theme", 20)):
        if key in given:
            fields[key] = text_field(given, key).strip()
            if len(fields[key]) > limit:
                raise bad_request(f"'{key}' has at most {limit} characters")
    if "title" in fields and not fields["title"]:
        raise bad_request("a collection needs a title")
    if "private" in given:
        if not isinstance(given["private"], bool):
            raise bad_request("'private' must be true or false")
        fields["private"] = given["private"]
    if "position" in given:
        if not isinstance(given["position"], int):
            raise bad_request("'position' must be a number")
        fields["position"] = given["position"]
    return fields

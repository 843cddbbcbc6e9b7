"""Collections: named lists of repositories, one JSON file each."""

import json
import re
import secrets
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.hub.errors import HubError, bad_request, conflict
from services.hub.fields import text_field
from services.hub.names import is_repo_part
from services.hub.storage.durable import fsync_folder, read_object_file, write_durably

MAX_DESCRIPTION = 150
MAX_NOTE = 500
MAX_TITLE = 60

_SLUG = re.compile(r"[a-z0-9-]{1,80}-[0-9a-f]{24}")

Collection = dict[str, Any]


class Collections:
    """`root/NAMESPACE/SLUG.json`, written atomically; `scratch` is a folder on the same disk."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self._root, self._scratch = root, scratch
        self._lock = threading.Lock()

    def get(self, slug: str) -> Collection:
        """The collection; 404 if it does not exist."""
        path = self._path(slug)
        if path is None or not path.is_file():
            raise HubError(404, f"Collection not found: {slug!r:.120}")
        return read_object_file(path)

    def all(self) -> list[Collection]:
        """All collections, sorted by slug."""
        return [read_object_file(path) for path in sorted(self._root.glob("*/*.json"))]

    def create(self, body: Collection) -> Collection:
        """Create one; a 409 has the slug of the collection with the same title and namespace."""
        namespace = text_field(body, "namespace")
        if not is_repo_part(namespace):
            raise bad_request(f"{namespace!r:.100} is not a valid namespace")
        created: Collection = {
            "title": "",
            "description": None,
            "owner": {"type": "user", "name": namespace},
            "items": [],
            "position": 0,
            "private": False,
            "theme": "blue",
            "upvotes": 0,
        }
        created |= _fields(body)
        if not created["title"]:
            raise bad_request("a collection needs a title")
        with self._lock:
            for other in self.all():
                if (other["owner"]["name"], other["title"]) == (namespace, created["title"]):
                    raise conflict("a collection with this title exists", slug=other["slug"])
            words = "-".join(re.findall(r"[a-z0-9]+", created["title"].lower())) or "collection"
            created["slug"] = f"{namespace}/{words[:80]}-{secrets.token_hex(12)}"
            return self._write(created)

    def change(self, slug: str, body: Collection) -> Collection:
        """Set the fields in the body."""
        with self._lock:
            return self._write(self.get(slug) | _fields(body))

    def delete(self, slug: str) -> None:
        """Delete the collection."""
        with self._lock:
            self.get(slug)
            path = self._path(slug)
            assert path is not None
            path.unlink()
            fsync_folder(path.parent)

    def add(self, slug: str, kind: str, repo: str, note: str | None) -> Collection:
        """Append a repository; `kind` is `dataset` or `model`."""
        with self._lock:
            collection = self.get(slug)
            if any((item["type"], item["id"]) == (kind, repo) for item in collection["items"]):
                raise conflict(f"{repo} is already in the collection")
            item = {
                "_id": secrets.token_hex(12),
                "type": kind,
                "repoType": kind,
                "id": repo,
                "position": len(collection["items"]),
            }
            collection["items"].append(item | _note(note))
            return self._write(collection)

    def change_item(self, slug: str, item_id: str, body: Collection) -> None:
        """Change an item's note or position."""
        with self._lock:
            collection = self.get(slug)
            item = _item(collection, item_id)
            if body.get("note") is not None:
                item |= _note(text_field(body, "note"))
            position = body.get("position", item["position"])
            if not isinstance(position, int) or not 0 <= position < len(collection["items"]):
                raise bad_request("'position' must be an index into the collection")
            collection["items"].remove(item)
            collection["items"].insert(position, item)
            self._write(collection)

    def delete_item(self, slug: str, item_id: str) -> None:
        """Remove an item."""
        with self._lock:
            collection = self.get(slug)
            collection["items"].remove(_item(collection, item_id))
            self._write(collection)

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


def _item(collection: Collection, item_id: str) -> dict[str, Any]:
    for item in collection["items"]:
        if item["_id"] == item_id:
            return item
    raise HubError(404, f"the collection has no item {item_id!r:.60}")


def _note(note: str | None) -> dict[str, Any]:
    if note is None:
        return {}
    if len(note) > MAX_NOTE:
        raise bad_request(f"a note may have at most {MAX_NOTE} characters")
    return {"note": {"text": note, "html": ""}}


def _fields(body: Collection) -> Collection:
    """The fields of a body that a client may set, checked; null means unchanged."""
    present = {key: value for key, value in body.items() if value is not None}
    fields: Collection = {}
    for key, limit in (("title", MAX_TITLE), ("description", MAX_DESCRIPTION), ("theme", 20)):
        if key in present:
            fields[key] = text_field(present, key).strip()
            if len(fields[key]) > limit:
                raise bad_request(f"'{key}' may have at most {limit} characters")
    if "title" in fields and not fields["title"]:
        raise bad_request("a collection needs a title")
    if "private" in present:
        if not isinstance(present["private"], bool):
            raise bad_request("'private' must be true or false")
        fields["private"] = present["private"]
    if "position" in present:
        if not isinstance(present["position"], int):
            raise bad_request("'position' must be a number")
        fields["position"] = present["position"]
    return fields

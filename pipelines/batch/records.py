"""What is on disk of each batch, `RUN/batches/N.json`: enough to take it up after any end."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from builders.errors import RunFailed
from builders.run import write_json

State = Literal["uploaded", "submitted", "read", "failed"]


@dataclass
class BatchRecord:
    """`uploaded` says that a batch is about to be made of the file, and may have been.

    `token` is in the batch's metadata. `changes` are to the bodies of later requests, as this
    batch's answers asked for them.
    """

    number: int
    destination: str
    requests: int
    file_id: str
    token: str
    state: State = "uploaded"
    batch_id: str | None = None
    status: str | None = None
    changes: dict[str, Any] = field(default_factory=dict)


class Records:
    """The batches of a run, in the order in which they were made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[BatchRecord]:
        """RunFailed where one cannot be read."""
        paths = [path for path in self._folder.glob("*.json") if path.stem.isdecimal()]
        return [_read(path) for path in sorted(paths, key=lambda path: int(path.stem))]

    def outstanding(self) -> list[BatchRecord]:
        return [record for record in self.all() if record.state in ("uploaded", "submitted")]

    def next_number(self) -> int:
        return max((record.number for record in self.all()), default=0) + 1

    def write(self, record: BatchRecord) -> None:
        write_json(self.path(record), asdict(record))

    def path(self, record: BatchRecord) -> Path:
        return self._folder / f"{record.number}.json"

    def changes(self) -> Mapping[str, Mapping[str, Any]]:
        """What endpoints have asked to be written differently, by destination."""
        changes: dict[str, dict[str, Any]] = {}
        for record in self.all():
            changes.setdefault(record.destination, {}).update(record.changes)
        return changes


def _read(path: Path) -> BatchRecord:
    try:
        return BatchRecord(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise RunFailed(
            f"{path}: not the record of a batch; without the file its requests are sent again"
        ) from None

"""The record of each batch, `RUN/batches/N.json`: enough to continue after any interruption."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from builders.errors import BadInput, RunFailed
from builders.files.atomic import write_json

State = Literal["uploaded", "submitted", "read", "failed"]


@dataclass
class BatchRecord:
    """`uploaded` means that a batch is about to be created from the file, and may have been.

    `token` is in the batch's metadata. `changes` are to the bodies of later requests, where the
    endpoint refused a field of this batch's.
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


class BatchRecords:
    """The batches of a run, in order of creation."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[BatchRecord]:
        """RunFailed if one cannot be read."""
        paths = [path for path in self._folder.glob("*.json") if path.stem.isdecimal()]
        return [_read(path) for path in sorted(paths, key=lambda path: int(path.stem))]

    def open(self) -> list[BatchRecord]:
        """Those whose results have not been read."""
        return [record for record in self.all() if record.state in ("uploaded", "submitted")]

    def next_number(self) -> int:
        return max((record.number for record in self.all()), default=0) + 1

    def write(self, record: BatchRecord) -> None:
        write_json(self.path(record), asdict(record))

    def path(self, record: BatchRecord) -> Path:
        return self._folder / f"{record.number}.json"

    def changes(self) -> Mapping[str, Mapping[str, Any]]:
        """The changes to bodies that endpoints have asked for, by destination."""
        changes: dict[str, dict[str, Any]] = {}
        for record in self.all():
            changes.setdefault(record.destination, {}).update(record.changes)
        return changes


def require_no_open_batch(folder: Path) -> None:
    """BadInput if a batch of the run or audit in `folder` has not been read: whoever sent its
    requests in another way would pay for them twice."""
    for record in BatchRecords(folder / "batches").open():
        raise BadInput(
            f"{folder}: batch {record.batch_id or record.number} has not been read; "
            f"execution.kind=batch picks it up, or delete {folder / 'batches'} to give it up"
        )


def _read(path: Path) -> BatchRecord:
    try:
        return BatchRecord(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise RunFailed(
            f"{path}: not a batch record; without the file its requests are sent again"
        ) from None

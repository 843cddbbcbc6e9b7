"""A review's answers, brought home: verdicts, and what people corrected.

A dataset's responses are downloaded only if some were made, edited or taken back since the last
pull. Files are replaced whole, and the state that spares a download is written last.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.errors import BadInput
from builders.review.corrections import corrections
from builders.review.folder import CORRECTIONS, Review, write_rows
from builders.review.pseudonyms import pseudonym, read_key
from builders.review.source import SHOWN, reviewed_source
from builders.review.verdicts import (
    Asked,
    Verdict,
    corrected,
    is_verdict,
    verdict_of,
    with_seconds,
    without_copies,
)
from builders.run import write_json
from builders.schema import VERDICTS, InvalidRow
from pipelines.lock import run_lock
from pipelines.review.dataset import find_dataset
from pipelines.review.people import find_workspace
from pipelines.review.records import ServerRecord, download, mark
from pipelines.review.server import Server

STATE = "pull.json"
_STATE_SCHEMA = "1.0"

# Called with the number of records read.
Progress = Callable[[int], None]
# By record and annotator.
Verdicts = dict[tuple[str, str], Verdict]
# Rows drawn, by their records' keys.
Drawn = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Pulled:
    """What there is after a pull, and what it has changed.

    `deleted`: records that are not on the server any more, of which verdicts are kept. `unknown`:
    records that somebody else put there. `unchanged`: the server had nothing new.
    """

    verdicts: int
    new: int
    edited: int
    taken_back: int
    corrections: int
    deleted: int
    unknown: int
    unchanged: bool


@dataclass(frozen=True)
class _Part:
    """What one dataset comes to; `mark` is the server's word for its state."""

    mark: str
    verdicts: Verdicts
    deleted: list[str]
    unknown: int
    unchanged: bool = False


def pull(server: Server, review: Review, progress: Progress | None = None) -> Pulled:
    """Bring the review's verdicts and corrections up to date.

    BadInput where a dataset is not there, or a response answers other questions.
    """
    with run_lock(review.folder):
        before = {(row["record"], row["annotator"]): row for row in review.verdicts()}
        reader = _Reader(server, review, before, progress)
        state = _read_state(review.folder)
        parts = {
            dataset_id: reader.part(dataset_id, drawn, state.get(dataset_id))
            for dataset_id, drawn in _datasets(server, review)
        }
        if all(part.unchanged for part in parts.values()):
            return _pulled(before, before, len(review.corrections()), parts)
        return _write(review, before, parts)


def _datasets(server: Server, review: Review) -> Iterator[tuple[str, Drawn]]:
    """The id of each dataset, and the rows drawn for it."""
    facts = review.facts
    workspace = find_workspace(server, facts["workspace"])
    if workspace is None:
        raise BadInput(
            f"{server.url}: {server.user} sees no workspace {facts['workspace']!r}; the review was "
            f"pushed to {facts['url']}"
        )
    drawn = review.drawn()
    for part in ("calibration", "sample"):
        if (name := facts["datasets"][part]) is None:
            continue
        dataset = find_dataset(server, workspace["id"], name)
        if dataset is None:
            raise BadInput(
                f"{server.url}: the workspace {facts['workspace']!r} has no dataset {name!r} (any "
                f"more); the review was pushed to {facts['url']}"
            )
        wanted = part == "calibration"
        yield (
            dataset["id"],
            {row["record"]: row for row in drawn if row["calibration"] == wanted},
        )


@dataclass(frozen=True)
class _Reader:
    """Reads datasets; `before` is what earlier pulls have brought."""

    server: Server
    review: Review
    before: Verdicts
    progress: Progress | None

    def part(self, dataset_id: str, drawn: Drawn, told: Mapping[str, Any] | None) -> _Part:
        """What the dataset comes to; `told` is what the last pull knew of it."""
        # Before the download: what arrives meanwhile makes it another mark.
        now = mark(self.server, dataset_id)
        if told and told["mark"] == now:
            kept = self._of(drawn.keys())
            return _Part(now, kept, told["deleted"], told["unknown"], unchanged=True)
        secret = read_key(self.review.folder)
        found: Verdicts = {}
        seen: set[str] = set()
        unknown = 0
        for number, record in enumerate(download(self.server, dataset_id), start=1):
            if record.external_id in drawn:
                seen.add(record.external_id)
                found |= self._verdicts(record, drawn[record.external_id], secret)
            else:
                unknown += 1
            if self.progress:
                self.progress(number)
        if unknown and not seen:
            raise BadInput(
                f"{self.server.url}: the dataset has {unknown:,} records and none of this review's,"
                f" which was pushed to {self.review.facts['url']}"
            )
        deleted = drawn.keys() - seen
        return _Part(now, found | self._of(deleted), sorted(deleted), unknown)

    def _of(self, records: Collection[str]) -> Verdicts:
        return {key: row for key, row in self.before.items() if key[0] in records}

    def _verdicts(self, record: ServerRecord, drawn: Mapping[str, Any], secret: bytes) -> Verdicts:
        found: Verdicts = {}
        for response in filter(is_verdict, record.responses):
            annotator = pseudonym(secret, response.user_id)
            key = (drawn["record"], annotator)
            asked = Asked(drawn, annotator, self.review.facts["assisted"])
            try:
                found[key] = verdict_of(response, asked, self.before.get(key))
            except InvalidRow as error:
                raise BadInput(
                    f"{self.server.url}: a response to the record {drawn['record']} does not "
                    f"answer the review's questions ({error})"
                ) from None
        return found


def _write(review: Review, before: Verdicts, parts: Mapping[str, _Part]) -> Pulled:
    verdicts = [row for part in parts.values() for row in part.verdicts.values()]
    originals: dict[str, Mapping[str, Any]] = {}
    if ids := corrected(verdicts):
        rows = reviewed_source(review).rows(SHOWN)
        originals = {row["id"]: row for row in rows if row["id"] in ids}
        if missing := ids - originals.keys():
            raise BadInput(f"{review.source}: the row {min(missing)} is not there any more")
        verdicts = without_copies(verdicts, originals)
    verdicts = with_seconds(verdicts)
    made = corrections(verdicts, originals)
    write_rows(_verdicts_path(review.folder), verdicts, VERDICTS)
    write_rows(review.folder / "corrections.parquet", made, CORRECTIONS)
    _write_state(review.folder, parts)
    after = {(row["record"], row["annotator"]): row for row in verdicts}
    return _pulled(before, after, len(made), parts)


def _pulled(before: Verdicts, after: Verdicts, made: int, parts: Mapping[str, _Part]) -> Pulled:
    both = before.keys() & after.keys()
    deleted = {record for part in parts.values() for record in part.deleted}
    return Pulled(
        verdicts=len(after),
        new=len(after.keys() - before.keys()),
        edited=sum(before[key]["submitted_at"] != after[key]["submitted_at"] for key in both),
        taken_back=len(before.keys() - after.keys()),
        corrections=made,
        deleted=len(deleted),
        unknown=sum(part.unknown for part in parts.values()),
        unchanged=all(part.unchanged for part in parts.values()),
    )


def _verdicts_path(folder: Path) -> Path:
    return folder / "verdicts.parquet"


def _digest(folder: Path) -> str | None:
    path = _verdicts_path(folder)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def _read_state(folder: Path) -> dict[str, Any]:
    """What the last pull knew of each dataset; nothing if the verdicts are not as it left them."""
    try:
        state = json.loads((folder / STATE).read_bytes())
        usable = state["schema"] == _STATE_SCHEMA and state["verdicts_sha256"] == _digest(folder)
        return state["datasets"] if usable else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write_state(folder: Path, parts: Mapping[str, _Part]) -> None:
    write_json(
        folder / STATE,
        {
            "schema": _STATE_SCHEMA,
            "verdicts_sha256": _digest(folder),
            "datasets": {
                dataset_id: {"mark": part.mark, "deleted": part.deleted, "unknown": part.unknown}
                for dataset_id, part in parts.items()
            },
        },
    )

"""What the last pull of a review recorded, and the verdicts of datasets that are gone since.

A dataset that was removed and pushed again is another one on the server, without the answers of the
first, and so is an account without those of the one that had its name. Those that had been pulled
stay: `earlier.parquet` has them, as `imported.parquet` has those
that were read from files.
"""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.files.atomic import write_json
from builders.files.hashes import sha256_of_file
from builders.review.collected import Verdicts, by_place, merged, not_imported
from builders.review.folder import EARLIER, Review, write_rows
from builders.review.responses import DRAWN_COLUMNS
from builders.rows import Row
from builders.rows.schema import VERDICTS

STATE = "pull.json"
_STATE_SCHEMA = "1.0"

# By record.
DrawnRows = Mapping[str, Row]


@dataclass(frozen=True)
class State:
    """What the last pull recorded of each dataset, by id: {mark, deleted, unknown}.

    `is_current`: the verdicts in the folder are still those of that pull.
    """

    datasets: Mapping[str, Any]
    is_current: bool

    @classmethod
    def read(cls, folder: Path) -> "State":
        try:
            state = json.loads((folder / STATE).read_bytes())
            if state["schema"] != _STATE_SCHEMA:
                return cls({}, False)
            return cls(state["datasets"], state["verdicts_sha256"] == _verdicts_digest(folder))
        except (OSError, ValueError, KeyError, TypeError):
            return cls({}, False)

    def replaced(self, datasets: Mapping[str, DrawnRows]) -> dict[str, DrawnRows]:
        """Those of the server's `datasets` that stand in the place of one of the last pull's."""
        new = {one: drawn for one, drawn in datasets.items() if one not in self.datasets}
        return new if self.datasets else {}


def write_state(folder: Path, datasets: Mapping[str, Any]) -> None:
    """Say that the folder's verdicts are those of these `datasets`, which are as State has them."""
    digest = _verdicts_digest(folder)
    write_json(
        folder / STATE,
        {"schema": _STATE_SCHEMA, "verdicts_sha256": digest, "datasets": dict(datasets)},
    )


def earlier_verdicts(
    review: Review,
    state: State,
    datasets: Mapping[str, DrawnRows],
    deleted: Set[str] = frozenset(),
) -> Verdicts:
    """The verdicts of datasets that are gone, also of those that are gone since the last pull.

    `deleted` are the pseudonyms of people whose account is another one since the last pull.
    """
    pulled = not_imported(review.verdicts(), by_place(review.imported()))
    since = {
        place: row
        for drawn in state.replaced(datasets).values()
        for place, row in on_records(pulled, drawn).items()
    }
    since |= {place: row for place, row in pulled.items() if place[1] in deleted}
    return merged(since, by_place(review.earlier()))


def keep_earlier(
    review: Review,
    state: State,
    datasets: Mapping[str, DrawnRows],
    deleted: Set[str] = frozenset(),
) -> tuple[State, Verdicts]:
    """Write the `earlier_verdicts`, if there are more of them; the state then, and all of them.

    From then on, a verdict in a new dataset that is taken back is not an earlier one.
    """
    earlier = earlier_verdicts(review, state, datasets, deleted)
    if not (state.replaced(datasets) or deleted):
        return state, earlier
    write_rows(review.folder / EARLIER, [earlier[place] for place in sorted(earlier)], VERDICTS)
    unread = {"mark": None, "deleted": [], "unknown": 0}
    now = {one: state.datasets.get(one, unread) for one in datasets}
    write_state(review.folder, now)
    return State(now, False), earlier


def on_records(verdicts: Verdicts, drawn: DrawnRows) -> dict[tuple[str, str], Row]:
    """The verdicts on the records of `drawn`; one before schema 2.0 lacked the strata."""
    return {
        (record, annotator): {**row, **{name: drawn[record][name] for name in DRAWN_COLUMNS}}
        for (record, annotator), row in verdicts.items()
        if record in drawn
    }


def _verdicts_digest(folder: Path) -> str | None:
    path = folder / "verdicts.parquet"
    return sha256_of_file(path) if path.exists() else None

"""The very rows that annotators were shown, found in the ledger of a release."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builders.errors import BadInput
from builders.ledger.merged import MergedLedger
from builders.release.reviews.read import SHOWN_COLUMNS, ReleaseReview, content_digest
from builders.review.reviewable import is_reviewable
from builders.review.verdicts import Verdict
from builders.rows import Row
from builders.rows.reasons import BY_SCORES


class ReviewedRow(TypedDict):
    """A ledger row whose id some verdict is about, or a correction.

    `number` and `part` are its places in the ledger, `run` the run that it is from (None for a
    correction). `content` is a digest of what annotators see of it; None if there is nothing to
    compare.
    """

    id: str
    number: int
    part: int
    run: int | None
    status: str
    reason: str | None
    content: bytes | None


def reviewed_rows(ledger: MergedLedger, ids: Iterable[str]) -> dict[str, list[ReviewedRow]]:
    """The rows with these ids, by id, each id's in the order of the ledger."""
    rows: dict[str, list[ReviewedRow]] = {}
    for number, part, row in rows_with(ledger, ids, SHOWN_COLUMNS):
        found = ledger.parts[part]
        rows.setdefault(row["id"], []).append(
            {
                "id": row["id"],
                "number": number,
                "part": part,
                "run": found.run if found.corrections is None else None,
                "status": row["status"],
                "reason": row["reason"],
                "content": content_digest(row) if is_reviewable(row) else None,
            }
        )
    return rows


def rows_with(
    ledger: MergedLedger, ids: Iterable[str], columns: Sequence[str]
) -> Iterator[tuple[int, int, Row]]:
    """The number, part and columns of each row with one of these ids."""
    wanted, first = pa.array(sorted(ids), pa.string()), 0
    for part, table in ledger.tables(columns):
        chosen = pc.is_in(table["id"], wanted)
        numbers = (first + np.flatnonzero(chosen.to_numpy())).tolist()
        for number, row in zip(numbers, table.filter(chosen).to_pylist(), strict=True):
            yield number, part, row
        first += len(table)


def by_row(
    reviews: Sequence[ReleaseReview], rows: Mapping[str, Sequence[ReviewedRow]]
) -> dict[int, list[Verdict]]:
    """The verdicts by the number of the row that was shown."""
    verdicts: dict[int, list[Verdict]] = {}
    for review in reviews:
        for verdict in review.verdicts:
            row = shown_row(review, verdict["id"], rows.get(verdict["id"], ()))
            verdicts.setdefault(row["number"], []).append(verdict)
    return verdicts


def shown_row(review: ReleaseReview, row_id: str, rows: Sequence[ReviewedRow]) -> ReviewedRow:
    """The row of this id that annotators were shown.

    If there are several, it is the kept one, or else the one that was dropped for its scores.
    """
    if not rows:
        raise BadInput(f"{review.folder}: row {row_id} is in none of the runs given")
    if review.run is None:
        shown = [row for row in rows if row["content"] == review.contents[row_id]]
    else:
        shown = [row for row in rows if row["run"] == review.run]
    if not shown:
        raise BadInput(f"{review.folder}: row {row_id} is not in the runs as people were shown it")
    return min(shown, key=lambda row: (row["status"] != "kept", row["reason"] not in BY_SCORES))

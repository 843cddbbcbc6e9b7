"""People's corrections in a ledger: which are used, and where they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import pyarrow as pa

from builders.ledger.merged import LEDGER_SCHEMA, MergedLedger, Redact
from builders.release.reviews.read import ReleaseReview
from builders.release.reviews.shown import reviewed_rows, rows_with, shown_row
from builders.review.faults import reason_wrong
from builders.review.verdicts import Verdict, is_correction, unassisted
from builders.rows import Row


def _correcting_kept_rows(
    reviews: Sequence[ReleaseReview], ledger: MergedLedger
) -> list[ReleaseReview]:
    """The reviews without their corrections of rows that had been dropped when they were shown.

    A row that is not in the ledger is a correction itself.
    """
    corrected = {row_id for review in reviews for row_id in review.corrections}
    rows = reviewed_rows(ledger, corrected) if corrected else {}

    def was_kept(review: ReleaseReview, row_id: str) -> bool:
        return row_id not in rows or shown_row(review, row_id, rows[row_id])["status"] == "kept"

    return [
        replace(
            review,
            corrections={
                key: row for key, row in review.corrections.items() if was_kept(review, key)
            },
        )
        for review in reviews
    ]


def corrections_for(
    reviews: Sequence[ReleaseReview], ledger: MergedLedger, votes: int
) -> dict[str, Row]:
    """The correction that each row calls for, by the id of that row.

    A kept row calls for its correction if people found it wrong (`votes` of them at least), or if
    every verdict on it was given with the model's own in view.
    """
    reviews = _correcting_kept_rows(reviews, ledger)
    ids = sorted({row_id for review in reviews for row_id in review.corrections})
    verdicts: dict[str, list[Verdict]] = {row_id: [] for row_id in ids}
    for verdict in chain.from_iterable(review.verdicts for review in reviews):
        if verdict["id"] in verdicts:
            verdicts[verdict["id"]].append(verdict)
    return {
        row_id: _latest_correction(reviews, row_id)
        for row_id in ids
        if reason_wrong(verdicts[row_id], votes) or not unassisted(verdicts[row_id])
    }


def _latest_correction(reviews: Sequence[ReleaseReview], row_id: str) -> Row:
    """The correction in the review whose correction of the row was submitted last."""

    def submitted(review: ReleaseReview) -> list[Any]:
        return sorted(
            verdict["submitted_at"]
            for verdict in review.verdicts
            if verdict["id"] == row_id and is_correction(verdict)
        )[-1:]

    correcting = [review for review in reviews if row_id in review.corrections]
    return max(correcting, key=submitted).corrections[row_id]


def with_corrections(
    ledger: MergedLedger, corrections: Mapping[str, Row], redact: Redact | None
) -> MergedLedger:
    """The ledger, with the corrections of each run's rows as a part of their own after the run.

    The correction of a row that several runs have belongs to the first of them.
    """
    if not corrections:
        return ledger
    runs = _runs_of(ledger, corrections)
    parts = []
    for part in ledger.parts:
        parts.append(part)
        rows = [row for corrects, row in corrections.items() if runs[corrects] == part.run]
        if rows:
            table = pa.Table.from_pylist(list(map(redact, rows)) if redact else rows, LEDGER_SCHEMA)
            parts.append(replace(part, files=(), corrections=table))
    return replace(ledger, parts=parts)


def _runs_of(ledger: MergedLedger, corrections: Mapping[str, Row]) -> dict[str, int]:
    """The run of each corrected row; 0 for a row that is in no run."""
    runs: dict[str, int] = {}
    for _, part, row in rows_with(ledger, corrections, ["id"]):
        runs.setdefault(row["id"], ledger.parts[part].run)
    # A correction can be corrected in its turn.
    pending = dict(corrections)
    while known := [corrects for corrects in pending if corrects in runs]:
        for corrects in known:
            runs.setdefault(pending.pop(corrects)["id"], runs[corrects])
    return {corrects: runs.get(corrects, 0) for corrects in corrections}

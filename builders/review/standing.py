"""Which ledger rows people's verdicts are about."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from builders.rows.reasons import BY_SCORES

# Reasons of rows that were dropped because of people's verdicts.
BY_PEOPLE = ("rejected_by_people", "corrected_by_people")
LedgerRow = TypeVar("LedgerRow", bound=Mapping[str, Any])


def is_scored(row: Mapping[str, Any]) -> bool:
    """Whether a ledger row was kept, or dropped for its scores only."""
    return row["status"] == "kept" or row["reason"] in BY_SCORES


def standing_row(rows: Sequence[LedgerRow]) -> LedgerRow | None:
    """The one of several ledger rows with one id that the verdicts on this id are about.

    First comes the row that was dropped because of people's verdicts, then the kept one, then one
    dropped for its scores, then another, and last a duplicate of what an earlier run kept. The
    first of several that rank the same counts: a release that has verdicts on one of them calls
    the others duplicates (`builders.release.reviews.apply`).
    """
    return min(rows, key=rank, default=None)


def rank(row: Mapping[str, Any]) -> int:
    """The place of a row among those with its id."""
    reason = row["reason"]
    if reason in BY_PEOPLE:
        return 0
    if row["status"] == "kept":
        return 1
    return 2 if reason in BY_SCORES else 4 if reason == "duplicate" else 3

"""What people answered on the server, read as verdicts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Any, Protocol

from builders.replies.outcome import clean
from builders.review.record import CORRECTIONS, answers_of, critique_text
from builders.schema import VERDICT_STATUSES, validate_verdict_row

Verdict = dict[str, Any]
Row = Mapping[str, Any]

# Beyond this, somebody was away between two submissions.
LONGEST_PAUSE = timedelta(minutes=30)


class Response(Protocol):
    """An answer as the server has it now; `values` by question, and times aware."""

    status: str
    values: Row
    inserted_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Asked:
    """A record that was drawn, and who answered it: `annotator` is a pseudonym."""

    drawn: Row
    annotator: str
    assisted: bool


def is_verdict(response: Response) -> bool:
    """Whether somebody gave it out of hand: a draft is none yet."""
    return response.status in VERDICT_STATUSES


def verdict_of(response: Response, asked: Asked, before: Row | None = None) -> Verdict:
    """The verdict that a response is, but for `seconds`; `InvalidRow` where it is none.

    `before` is what was pulled of the same annotator on the same record earlier.
    """
    drawn = asked.drawn
    verdict = {
        "id": drawn["id"],
        "record": drawn["record"],
        "annotator": asked.annotator,
        "order": drawn["order"],
        **answers_of(response.values, drawn["order"]),
        "assisted": asked.assisted,
        "calibration": drawn["calibration"],
        "inclusion_probability": drawn["inclusion_probability"],
        "status": response.status,
        "started_at": _started(response, before),
        "submitted_at": response.updated_at,
        "seconds": None,
    }
    validate_verdict_row(verdict)
    return verdict


def _started(response: Response, before: Row | None) -> datetime | None:
    """When a draft was first saved; None where the first that was saved was the submission."""
    inserted = response.inserted_at
    at_once = before is not None and before["submitted_at"] == inserted
    return None if inserted >= response.updated_at or at_once else inserted


def with_seconds(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts with the seconds since the same annotator's one before.

    None for the first of an annotator, and after a pause of more than LONGEST_PAUSE.
    """
    ordered = sorted(verdicts, key=lambda row: (row["annotator"], row["submitted_at"]))
    found = []
    for _, group in groupby(ordered, key=lambda row: row["annotator"]):
        own = list(group)
        found.append({**own[0], "seconds": None})
        for before, row in pairwise(own):
            pause = row["submitted_at"] - before["submitted_at"]
            seconds = pause.total_seconds() if pause <= LONGEST_PAUSE else None
            found.append({**row, "seconds": seconds})
    return sorted(found, key=lambda row: (row["record"], row["annotator"]))


def corrected(verdicts: Iterable[Row]) -> set[str]:
    """The ids of the rows that somebody wrote a text for."""
    return {row["id"] for row in verdicts if any(row[name] is not None for name in CORRECTIONS)}


def without_copies(verdicts: Iterable[Verdict], originals: Mapping[str, Row]) -> list[Verdict]:
    """The verdicts, their texts that repeat the original's left out.

    `originals` are by id, those of `corrected`. A text that was offered for correction and left
    as it was is submitted with the rest.
    """
    return [_without_copies(row, originals.get(row["id"])) for row in verdicts]


def _without_copies(verdict: Verdict, original: Row | None) -> Verdict:
    if original is None:
        return verdict
    shown = {
        "corrected_critique": critique_text(original["critique"]),
        "corrected_refinement": original["refinement"],
    }
    changed = {
        name: verdict[name] if verdict[name] and not _same(verdict[name], text) else None
        for name, text in shown.items()
    }
    return {**verdict, **changed}


def _same(text: str, shown: str) -> bool:
    text = clean(text).strip()
    for heading in ("Of answer A", "Of answer B"):
        text = text.removeprefix(f"{heading}\n\n")
    return text == clean(shown).strip()

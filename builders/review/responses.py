"""Responses from a review server, read as verdicts."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Any, Protocol

from builders.critique.replies.text import clean
from builders.review.record import CHOICES, critique_heading, critique_text, letters
from builders.review.verdicts import CORRECTED_TEXTS, Verdict
from builders.rows import Row
from builders.rows.schema import VERDICT_STATUSES, validate_verdict_row

# After this long without a submission, the annotator is taken to have had a break.
LONGEST_PAUSE = timedelta(minutes=30)

# The columns of a verdict that come from the draw (`builders.review.folder.DRAWN`).
DRAWN_COLUMNS = (
    "id",
    "record",
    "order",
    "calibration",
    "inclusion_probability",
    "stratum",
    "stratum_rows",
)
_YES_OR_NO = {"yes": True, "no": False}
# The critique's first line on a page; until schema 1.1 it was the shorter one.
_HEADINGS = tuple(
    heading
    for letter in CHOICES[:2]
    for heading in (critique_heading(letter), f"Of answer {letter}")
)


class Response(Protocol):
    """A response as the server has it now; `values` are by question, times have a zone."""

    status: str
    values: Mapping[str, Any]
    inserted_at: datetime
    updated_at: datetime


def is_verdict(response: Response) -> bool:
    """Whether the annotator has submitted or discarded it; a saved draft is not a verdict."""
    return response.status in VERDICT_STATUSES


def verdict_of(
    response: Response,
    drawn: Mapping[str, Any],
    *,
    annotator: str,
    assisted: bool,
    previous: Verdict | None = None,
) -> Row:
    """The verdict in a response to a record that was drawn, without `seconds`.

    `annotator` is a pseudonym; `previous` is the annotator's verdict on the record in the last
    pull. `InvalidRow` if the response does not answer the review's questions.
    """
    verdict = {
        "annotator": annotator,
        "assisted": assisted,
        **{name: drawn[name] for name in DRAWN_COLUMNS},
        **answers_of(response.values, drawn["order"]),
        "status": response.status,
        "started_at": _started_at(response, previous),
        "submitted_at": response.updated_at,
        "seconds": None,
    }
    validate_verdict_row(verdict)
    return verdict


def answers_of(values: Mapping[str, Any], order: str) -> Row:
    """A response's values by question as columns of VERDICTS; None for missing answers.

    An unknown value is passed on for the validator to refuse.
    """
    answer_of = {letter: answer for answer, letter in letters(order).items()}

    def read(question: str, meanings: Mapping[str, Any]) -> Any:
        value = values.get(question)
        return meanings.get(value, value) if isinstance(value, str) else value

    def text(question: str) -> Any:
        value = values.get(question)
        return None if isinstance(value, str) and not value.strip() else value

    return {
        "better": read("better", answer_of),
        **{
            f"{answer}_score": values.get(f"score_{letter.lower()}")
            for letter, answer in answer_of.items()
        },
        "weaknesses_real": values.get("weaknesses_real"),
        "suggestions_actionable": read("suggestions_actionable", _YES_OR_NO),
        "refinement_introduces_error": read("refinement_introduces_error", _YES_OR_NO),
        **{question: text(question) for question in CORRECTED_TEXTS},
    }


def _started_at(response: Response, previous: Verdict | None) -> datetime | None:
    """When a draft was first saved; None if the response was submitted without saving one."""
    inserted = response.inserted_at
    edited = previous is not None and previous["submitted_at"] == inserted
    return None if inserted >= response.updated_at or edited else inserted


def with_seconds(verdicts: Iterable[Verdict]) -> list[Row]:
    """The verdicts with the seconds since the same annotator's previous submission.

    None for an annotator's first verdict, and after a pause of more than LONGEST_PAUSE.
    """
    ordered = sorted(verdicts, key=lambda row: (row["annotator"], row["submitted_at"]))
    timed = []
    for _, group in groupby(ordered, key=lambda row: row["annotator"]):
        own = list(group)
        timed.append({**own[0], "seconds": None})
        for before, row in pairwise(own):
            pause = row["submitted_at"] - before["submitted_at"]
            seconds = pause.total_seconds() if pause <= LONGEST_PAUSE else None
            timed.append({**row, "seconds": seconds})
    return sorted(timed, key=lambda row: (row["record"], row["annotator"]))


def with_texts(verdicts: Iterable[Verdict]) -> set[str]:
    """The ids of the rows for which any annotator, submitting or discarding, wrote a text."""
    return {row["id"] for row in verdicts if any(row[name] is not None for name in CORRECTED_TEXTS)}


def without_unchanged_texts(
    verdicts: Iterable[Verdict], originals: Mapping[str, Mapping[str, Any]]
) -> list[Row]:
    """The verdicts without texts that only repeat the original.

    A text that was offered for correction and left alone is submitted with the rest. `originals`
    are by id, for all ids in `with_texts`.
    """
    cleaned = []
    for verdict in verdicts:
        if original := originals.get(verdict["id"]):
            offered = {
                "corrected_critique": critique_text(original["critique"]),
                "corrected_refinement": original["refinement"],
            }
            unchanged = [name for name in offered if _repeats(verdict[name], offered[name])]
            verdict = {**verdict, **dict.fromkeys(unchanged)}
        cleaned.append(verdict)
    return cleaned


def _repeats(text: str | None, offered: str) -> bool:
    if not text:
        return True
    text = clean(text).strip()
    for heading in _HEADINGS:
        text = text.removeprefix(f"{heading}\n\n")
    return text == clean(offered).strip()

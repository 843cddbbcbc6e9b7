"""The rows that somebody should look at: where people disagree, and what they reject or correct."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TypedDict

from builders.review.faults import reason_wrong
from builders.review.reviewable import ReviewableRow
from builders.review.statistics.answers import QUESTIONS
from builders.review.verdicts import Verdict, is_correction, unassisted

# How many rows of a kind are listed.
MOST = 10
# Draft, tie and refinement as places on a line.
_PLACES = {"draft": 0, "tie": 1, "refinement": 2}


class NotableRow(TypedDict):
    """A row by its id in the ledger, and what people said of it.

    `better` counts the unassisted verdicts by the better answer; the scores are in the order of the
    annotators' pseudonyms. `why` says what is wrong with it or what was corrected, if anything.
    """

    id: str
    better: dict[str, int]
    draft_scores: list[int]
    refinement_scores: list[int]
    why: str | None


class NotableRows(TypedDict):
    """`of` counts the rows of this kind; `rows` has the first MOST."""

    of: int
    rows: list[NotableRow]


def notable_rows(
    verdicts: Iterable[Verdict], rows: Mapping[str, ReviewableRow]
) -> dict[str, NotableRows]:
    """The rows with most disagreement on which answer is better, found wrong, and corrected.

    Those that people disagree most on come first; the others are in the order of their ids. `rows`
    are by id. Of those that were dropped, none is listed as wrong.
    """
    by_row: dict[str, list[Verdict]] = {}
    for verdict in sorted(verdicts, key=lambda row: (row["id"], row["annotator"], row["record"])):
        by_row.setdefault(verdict["id"], []).append(verdict)
    disputed = {row_id: extent for row_id, own in by_row.items() if (extent := dispute(own))[0]}
    wrong = {
        row_id: reason
        for row_id, own in by_row.items()
        if row_id in rows and rows[row_id].is_kept and (reason := reason_wrong(own))
    }
    corrected = {row_id: why for row_id, own in by_row.items() if (why := _corrected(own))}
    most = sorted(disputed, key=lambda row_id: (*(-one for one in disputed[row_id]), row_id))

    def listed(ids: Iterable[str], why: dict[str, str]) -> NotableRows:
        ids = list(ids)
        return {
            "of": len(ids),
            "rows": [_notable(row_id, by_row[row_id], why.get(row_id)) for row_id in ids[:MOST]],
        }

    return {
        "disputed": listed(most, {}),
        "wrong": listed(wrong, wrong),
        "corrected": listed(corrected, corrected),
    }


def dispute(verdicts: Sequence[Verdict]) -> tuple[float, float]:
    """How far people are apart on a row: on the better answer, and by points of the scores.

    Each is the mean distance between two of them. From the draft to the refinement it is 2, from
    either to a tie 1.
    """
    counted = unassisted(verdicts)
    choices = [_PLACES[row["better"]] for row in counted if row["better"] is not None]
    scores = [
        [row[f"{answer}_score"] for row in counted if row[f"{answer}_score"] is not None]
        for answer in ("draft", "refinement")
    ]
    return _distance(choices), sum(map(_distance, scores))


def _distance(values: Sequence[int]) -> float:
    pairs = [abs(one - other) for one, other in combinations(values, 2)]
    return sum(pairs) / len(pairs) if pairs else 0.0


def _corrected(verdicts: Iterable[Verdict]) -> str | None:
    """What was corrected, and by how many."""
    texts = Counter(
        part
        for row in filter(is_correction, verdicts)
        for part in ("critique", "refinement")
        if row[f"corrected_{part}"] is not None
    )
    parts = [f"{count} corrected the {part}" for part, count in sorted(texts.items())]
    return ", ".join(parts) or None


def _notable(row_id: str, verdicts: Sequence[Verdict], why: str | None) -> NotableRow:
    counted = unassisted(verdicts)
    answers = Counter(row["better"] for row in counted)
    draft, refinement = (
        [row[f"{answer}_score"] for row in counted if row[f"{answer}_score"] is not None]
        for answer in ("draft", "refinement")
    )
    return {
        "id": row_id,
        "better": {name: answers[value] for name, value in QUESTIONS["better"].items()},
        "draft_scores": draft,
        "refinement_scores": refinement,
        "why": why,
    }

"""Which verdicts count for what."""

from collections.abc import Iterable, Mapping
from typing import Any

from builders.rows import InvalidRow
from builders.rows.schema import validate_verdict_row

Verdict = Mapping[str, Any]
# The answers to one question, {record: {annotator: answer}}, without missing ones.
Ratings = Mapping[str, Mapping[str, Any]]

# The columns that hold an annotator's own text.
CORRECTED_TEXTS = ("corrected_critique", "corrected_refinement")
_SAME_FOR_A_RECORD = ("id", "inclusion_probability", "calibration", "stratum", "stratum_rows")


def valid_verdicts(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts sorted by record and annotator; `InvalidRow` if one is invalid or repeated.

    An annotator has one verdict on a record. All verdicts on a record are about one ledger row and
    were drawn with the same probability from the same stratum.
    """
    rows = sorted(verdicts, key=lambda row: (row["record"], row["annotator"]))
    draws: dict[str, tuple[Any, ...]] = {}
    previous = None
    for row in rows:
        validate_verdict_row(row)
        key = (row["record"], row["annotator"])
        if key == previous:
            raise InvalidRow(f"annotator {key[1]} has two verdicts on record {key[0]}")
        previous = key
        draw = tuple(row[name] for name in _SAME_FOR_A_RECORD)
        if draws.setdefault(row["record"], draw) != draw:
            raise InvalidRow(
                f"record {row['record']}: its verdicts differ in one of "
                f"{', '.join(_SAME_FOR_A_RECORD)}"
            )
    return rows


def is_correction(verdict: Verdict) -> bool:
    """Whether the annotator wrote a text of their own and submitted it."""
    return verdict["status"] == "submitted" and any(
        verdict[name] is not None for name in CORRECTED_TEXTS
    )


def unassisted(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts that count between annotators: submitted, and blind to the model's verdict."""
    return [row for row in verdicts if row["status"] == "submitted" and not row["assisted"]]


def one_vote_each(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts on a row that count, without those that the same person has revised since.

    Several reviews can ask a person about one row; their last answer is what they think of it.
    """
    ordered = sorted(unassisted(verdicts), key=lambda row: (row["submitted_at"], row["record"]))
    return list({row["annotator"]: row for row in ordered}.values())


def unassisted_sample(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts that count for the model against people: unassisted, and on the sample.

    Calibration records were not drawn with the sample's probabilities.
    """
    return [row for row in unassisted(verdicts) if not row["calibration"]]


def ratings_of(verdicts: Iterable[Verdict], question: str) -> dict[str, dict[str, Any]]:
    """The answers to `question` by record and annotator."""
    ratings: dict[str, dict[str, Any]] = {}
    for row in verdicts:
        if row[question] is not None:
            ratings.setdefault(row["record"], {})[row["annotator"]] = row[question]
    return ratings

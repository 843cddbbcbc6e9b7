"""Which verdicts count for what, and how a record's answers are read."""

from collections.abc import Iterable, Mapping
from typing import Any

from builders.schema import InvalidRow, validate_verdict_row

Verdict = Mapping[str, Any]
# {record: {annotator: answer}}, without the answers that were not given.
Ratings = Mapping[str, Mapping[str, Any]]


def checked(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts in one fixed order, or `InvalidRow`: an invalid one, or two of a kind.

    An annotator has one verdict on a record; all verdicts on a record are of the same ledger row
    and carry the same inclusion probability.
    """
    rows = sorted(verdicts, key=lambda row: (row["record"], row["annotator"]))
    records: dict[str, tuple[str, float, bool]] = {}
    previous = None
    for row in rows:
        validate_verdict_row(row)
        key = (row["record"], row["annotator"])
        if key == previous:
            raise InvalidRow(f"annotator {key[1]} has two verdicts on record {key[0]}")
        previous = key
        facts = (row["id"], row["inclusion_probability"], row["calibration"])
        if records.setdefault(row["record"], facts) != facts:
            raise InvalidRow(
                f"record {row['record']}: its verdicts differ in id, inclusion_probability "
                "or calibration"
            )
    return rows


def unassisted(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Those that count between annotators: submitted, with the model's own verdict unseen."""
    return [row for row in verdicts if row["status"] == "submitted" and not row["assisted"]]


def about_the_model(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Those that count for the model against people: unassisted, of the drawn sample.

    The calibration records were not drawn with the sample's probabilities.
    """
    return [row for row in unassisted(verdicts) if not row["calibration"]]


def ratings_of(verdicts: Iterable[Verdict], question: str) -> dict[str, dict[str, Any]]:
    """The answers to `question` by record and annotator."""
    found: dict[str, dict[str, Any]] = {}
    for row in verdicts:
        if row[question] is not None:
            found.setdefault(row["record"], {})[row["annotator"]] = row[question]
    return found

"""How far people agree with each other and with the model, read from a release's own files.

The card and the manifest state these figures, and whoever has the release can compute them again
from its configs `verdicts` and `ledger`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from builders.release.reviews.rules import human_verdict
from builders.review.faults import reason_wrong
from builders.review.reviewable import is_reviewable
from builders.review.standing import standing_row
from builders.review.verdicts import Verdict
from builders.rows import InvalidRow, Row
from builders.rows.read import read_tables
from builders.rows.reasons import BY_SCORES
from builders.rows.row_type import RowType
from builders.rows.schema import LEDGER_ROWS, VERDICT_ROWS

# The figures of `review_of`, which can be computed again from the release.
REVIEW_FIGURES = ("counts", "answers", "agreement", "trust", "first_shown", "gate", "rows")
# Which figures there are, and by which formulas. A release that does not say so is of the version
# before: it has fewer figures, and other intervals.
FIGURES_VERSION = "2.0"
OF_KEPT_ROWS = (
    "A review was of kept rows only, on each of which the model has by construction not scored the "
    "draft higher, so that its agreement there is about the share of people who prefer the "
    "refinement"
)
# The counts among the figures that every version has.
_COUNTS = ("verdicts", "discarded", "assisted", "calibration", "counted", "records", "annotators")
_ROW_COUNTS = ("asked", "judged", "wrong", "rejected", "corrected", "kept")
# What the statistics read of a ledger row, and whether it was kept.
_COLUMNS = [
    "id",
    "source",
    "status",
    "reason",
    "draft",
    "critique",
    "refinement",
    "draft_score",
    "refinement_score",
]


def review_of(folder: Path, votes: int) -> Row | None:
    """The figures on a release's verdicts, JSON-able; None if it has no verdicts.

    {counts, answers, agreement, trust, first_shown, gate} as in `builders.review.report`, with the
    model's ties counting half. `rows` {asked, margin, judged, wrong, wrong_by_fewer, rejected,
    corrected, kept} counts rows with verdicts, those among them that the filters had dropped for
    their scores, kept rows with an unassisted verdict, other rows that `votes` people or more found
    wrong, those that fewer did, those dropped and those replaced because of it, and those kept all
    the same. `InvalidRow` if a verdict is invalid or its row is not in the ledger.
    """
    verdicts = _verdicts_by_id(folder)
    if not verdicts:
        return None
    # Imports scipy and statsmodels, which take seconds that other releases do not need.
    from builders.review.report import review_figures

    fates: dict[str, tuple[str, str | None]] = {}

    def rows() -> Iterator[Row]:
        for row in _standing_rows(folder, verdicts):
            fates[row["id"]] = (row["status"], row["reason"])
            yield row

    figures = review_figures([one for own in verdicts.values() for one in own], rows())
    if missing := sorted(verdicts.keys() - fates.keys()):
        raise InvalidRow(f"verdicts are of row {missing[0]}, which is not in the ledger")
    figures["rows"] = _row_counts(verdicts, fates, votes)
    return {key: figures[key] for key in REVIEW_FIGURES}


def of_kept_rows(designs: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of these reviews is of kept rows only, and is counted."""
    return any(
        design.get("rows", "kept") == "kept" and not design["assisted"] for design in designs
    )


def lasting_figures(figures: Mapping[str, Any]) -> Row:
    """The counts among the figures of a release, which every version computes alike."""
    return {
        "counts": {key: figures["counts"][key] for key in _COUNTS},
        "rows": {key: figures["rows"][key] for key in _ROW_COUNTS},
        "gate": {"verdicts": figures["gate"]["verdicts"]},
    }


def summaries_of(folder: Path) -> dict[str, Row]:
    """What `human_verdict` in a release's `feedback` has to be, by the id of the row."""
    verdicts = _verdicts_by_id(folder)
    if not verdicts:
        return {}
    return {
        row["id"]: summary
        for row in _standing_rows(folder, verdicts)
        if row["status"] == "kept" and (summary := human_verdict(verdicts[row["id"]])) is not None
    }


def _row_counts(
    verdicts: Mapping[str, list[Verdict]],
    fates: Mapping[str, tuple[str, str | None]],
    votes: int,
) -> dict[str, int]:
    reasons = Counter(reason for _, reason in fates.values())
    kept = {row_id for row_id, (status, _) in fates.items() if status == "kept"}
    asked = [row_id for row_id in verdicts if fates[row_id][1] not in BY_SCORES]
    wrong = {row_id for row_id in asked if reason_wrong(verdicts[row_id], votes)}
    by_fewer = {row_id for row_id in asked if reason_wrong(verdicts[row_id])} - wrong
    return {
        "asked": len(verdicts),
        "margin": sum(reasons[reason] for reason in BY_SCORES),
        "judged": sum(human_verdict(verdicts[row_id]) is not None for row_id in kept),
        "wrong": len(wrong),
        "wrong_by_fewer": len(by_fewer),
        "rejected": reasons["rejected_by_people"],
        "corrected": reasons["corrected_by_people"],
        "kept": len(wrong & kept),
    }


def _standing_rows(folder: Path, ids: Mapping[str, Any]) -> Iterator[Row]:
    """The ledger row that the verdicts on each id are about, one at a time."""
    wanted = pa.array(sorted(ids), pa.string())
    # The rows of an id follow each other.
    for _, rows in groupby(_rows(folder, LEDGER_ROWS, wanted), key=lambda row: row["id"]):
        if (row := standing_row([row for row in rows if is_reviewable(row)])) is not None:
            yield row


def _verdicts_by_id(folder: Path) -> dict[str, list[Verdict]]:
    verdicts: dict[str, list[Verdict]] = {}
    for row in _rows(folder, VERDICT_ROWS):
        verdicts.setdefault(row["id"], []).append(row)
    return verdicts


def _rows(folder: Path, rows: RowType, ids: pa.Array | None = None) -> Iterator[Row]:
    """The rows of the config of this name, or its columns _COLUMNS for these ids."""
    columns = None if ids is None else _COLUMNS
    for path in sorted((folder / rows.name).glob("*.parquet")):
        for table in read_tables(path, rows, columns):
            if ids is not None:
                table = table.filter(pc.is_in(table["id"], ids))
            yield from table.to_pylist()

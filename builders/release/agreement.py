"""How far people agree, with each other and with the model: read off a release's own files.

The card and the manifest of a release state these figures, and whoever has the folder can compute
them again from its configs `verdicts` and `ledger`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builders.release.verdicts import Row, can_be_asked, found_wrong, human_verdict, standing
from builders.require import InvalidRow
from builders.review.counted import Verdict

# What `review_of` says: figures that can be computed again.
REVIEW_FIGURES = ("counts", "agreement", "trust", "first_shown", "gate", "rows")
_ROWS = 4096
# What the statistics read of a ledger row, and what became of it.
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


def review_of(folder: Path) -> Row | None:
    """What people said of a release's rows, JSON-able; None where it has no verdicts.

    {counts, agreement, trust, first_shown, gate} as `builders.review.report.review_facts` has
    them, the model's ties counting half; `rows` {asked, judged, wrong, rejected, corrected, kept}:
    rows that verdicts are of, kept rows that somebody judged unassisted, rows that people found
    wrong, those dropped and those replaced on their word, and those kept although found wrong.
    Raises `InvalidRow` where a verdict cannot be, or is of no row.
    """
    verdicts = _verdicts(folder)
    if not verdicts:
        return None
    # scipy and statsmodels take seconds to import, which releases without verdicts do not have.
    from builders.review.report import review_facts

    by_id, fates = _by_id(verdicts), {}

    def rows() -> Iterator[Row]:
        for row in _standing(folder, by_id):
            fates[row["id"]] = {key: row[key] for key in ("status", "reason")}
            yield row

    facts = review_facts(verdicts, rows())
    _require_all(by_id, fates)
    facts["rows"] = _outcome(by_id, fates)
    return {key: facts[key] for key in REVIEW_FIGURES}


def summaries_of(folder: Path) -> dict[str, Row]:
    """What `human_verdict` of a release's `feedback` has to be, by the id of the row."""
    by_id = _by_id(_verdicts(folder))
    kept = [row["id"] for row in _standing(folder, by_id) if row["status"] == "kept"]
    found = {row_id: human_verdict(by_id[row_id]) for row_id in kept}
    return {row_id: summary for row_id, summary in found.items() if summary is not None}


def _outcome(by_id: Mapping[str, list[Verdict]], fates: Mapping[str, Row]) -> dict[str, int]:
    wrong = {row_id for row_id, said in by_id.items() if found_wrong(said)}
    kept = {row_id for row_id, fate in fates.items() if fate["status"] == "kept"}
    reasons = Counter(fate["reason"] for fate in fates.values())
    return {
        "asked": len(by_id),
        "judged": sum(human_verdict(by_id[row_id]) is not None for row_id in kept),
        "wrong": len(wrong),
        "rejected": reasons["rejected_by_people"],
        "corrected": reasons["corrected_by_people"],
        "kept": len(wrong & kept),
    }


def _standing(folder: Path, by_id: Mapping[str, Any]) -> Iterator[Row]:
    """The ledger row that the verdicts of each id are of, one at a time."""
    wanted = pa.array(sorted(by_id), pa.string())
    # An id's rows follow each other.
    for _, rows in groupby(_rows(folder, "ledger", wanted), key=lambda row: row["id"]):
        if (row := standing([row for row in rows if can_be_asked(row)])) is not None:
            yield row


def _require_all(by_id: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    if missing := sorted(by_id.keys() - found.keys()):
        raise InvalidRow(f"verdicts are of row {missing[0]}, which is not in the ledger")


def _by_id(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = {}
    for row in verdicts:
        found.setdefault(row["id"], []).append(row)
    return found


def _verdicts(folder: Path) -> list[Verdict]:
    return list(_rows(folder, "verdicts"))


def _rows(folder: Path, config: str, ids: pa.Array | None = None) -> Iterator[Row]:
    columns = None if ids is None else _COLUMNS
    for path in sorted((folder / config).glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS, columns=columns):
                if ids is not None:
                    batch = batch.filter(pc.is_in(batch["id"], ids))
                yield from batch.to_pylist()

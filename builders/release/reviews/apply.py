"""What people's verdicts make of a ledger: rows dropped, rows corrected, verdicts to release.

Verdicts are about rows, and a release knows its rows by their ids. So each verdict is bound to the
very row that the annotator was shown. If another row has this id in the release, because an earlier
run kept one, the verdicts on the row that was shown are left out.

Rows that were dropped for their scores are reviewed so that the figures are of all scored rows.
Their verdicts are released and counted, and change no row: such a row stays dropped, whatever
people say of it, and a correction of it is not used. Where two runs dropped rows with the same id
for their margin, the row with more of the verdicts stands, and the other is a duplicate of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from builders.ledger.merged import Drop, MergedLedger, Redact
from builders.release.reviews.corrections import corrections_for, with_corrections
from builders.release.reviews.read import ReleaseReview
from builders.release.reviews.rules import human_verdict
from builders.release.reviews.shown import ReviewedRow, by_row, reviewed_rows
from builders.review.faults import reason_wrong
from builders.review.standing import rank, standing_row
from builders.review.verdicts import CORRECTED_TEXTS, Verdict
from builders.rows import Row

WrongRows = Literal["drop", "correct", "keep"]


@dataclass(frozen=True)
class ReviewOutcome:
    """A ledger after people's reviews; if nobody was asked, the ledger as it was.

    `ledger` has the corrections, and drops the rows that people found wrong. `rows` are by id, and
    `verdicts` by the number of the row that they are about. `designs` says how each review was
    made.
    """

    ledger: MergedLedger
    rows: Mapping[str, Sequence[ReviewedRow]] = field(default_factory=dict)
    verdicts: Mapping[int, Sequence[Verdict]] = field(default_factory=dict)
    designs: Sequence[Row] = ()


@dataclass(frozen=True)
class ReleasedVerdicts:
    """The verdicts in a release, and their summaries, by the id of the row.

    `left_out` counts the verdicts on rows whose place another row has.
    """

    verdicts: Mapping[str, Sequence[Verdict]]
    summaries: Mapping[str, Row]
    left_out: int

    @property
    def were_given(self) -> bool:
        """Whether anybody was asked."""
        return bool(self.verdicts or self.left_out)


def apply_reviews(
    ledger: MergedLedger,
    reviews: Sequence[ReleaseReview],
    rule: WrongRows,
    votes: int,
    redact: Redact | None = None,
) -> ReviewOutcome:
    """Apply people's verdicts to the ledger of the runs, by the recipe's rule for wrong rows.

    `drop` drops rows that people found wrong, `correct` puts a correction in their place if there
    is a usable one and drops them otherwise, `keep` keeps them. It takes `votes` people to find a
    row wrong. `redact` is applied to corrections.
    BadInput if a row that was shown is not in the ledger as it was shown.
    """
    if not reviews:
        return ReviewOutcome(ledger)
    corrections: dict[str, Row] = {}
    if rule == "correct":
        corrections = corrections_for(reviews, ledger, votes)
    ledger = with_corrections(ledger, corrections, redact)
    asked = {verdict["id"] for review in reviews for verdict in review.verdicts}
    rows = reviewed_rows(ledger, asked | {row["id"] for row in corrections.values()})
    verdicts = by_row(reviews, rows)
    usable = {
        corrects: row["id"]
        for corrects, row in corrections.items()
        if any(other["status"] == "kept" for other in rows[row["id"]])
    }
    drops = {} if rule == "keep" else dict(_drops(rows, verdicts, usable, votes))
    drops |= _superseded(rows, verdicts, drops)
    return ReviewOutcome(
        ledger.dropping(drops),
        rows,
        verdicts,
        [review.design for review in reviews],
    )


def released_verdicts(
    outcome: ReviewOutcome, drops: Mapping[int, Drop], redact: Redact | None = None
) -> ReleasedVerdicts:
    """The verdicts to release, given all rows that the release drops, by number.

    `redact` is applied to what annotators wrote.
    """
    verdicts: dict[str, list[Verdict]] = {}
    summaries: dict[str, Row] = {}
    for row_id, rows in outcome.rows.items():
        row = standing_row([_as_released(row, drops) for row in rows if row["content"] is not None])
        if row is None or row["number"] not in outcome.verdicts:
            continue
        own = sorted(
            outcome.verdicts[row["number"]],
            key=lambda verdict: (verdict["record"], verdict["annotator"]),
        )
        verdicts[row_id] = [_redacted(verdict, redact) for verdict in own]
        if row["status"] == "kept" and (summary := human_verdict(own)):
            summaries[row_id] = summary
    read, released = (sum(map(len, some.values())) for some in (outcome.verdicts, verdicts))
    return ReleasedVerdicts(verdicts, summaries, left_out=read - released)


def _drops(
    rows: Mapping[str, Sequence[ReviewedRow]],
    verdicts: Mapping[int, Sequence[Verdict]],
    usable: Mapping[str, str],
    votes: int,
) -> Iterator[tuple[int, Drop]]:
    """The number of each row that people found wrong, and why it is dropped.

    Once a part keeps the row of an id, rows of later parts are duplicates of it and not dropped
    here. `usable` has the ids of the corrections that were kept.
    """
    for row_id, same_id in rows.items():
        keeping = None
        for row in same_id:
            if row["status"] != "kept":
                continue
            if keeping is not None and row["part"] > keeping:
                break
            drop = _drop(verdicts.get(row["number"], ()), usable.get(row_id), votes)
            if drop is None:
                keeping = row["part"]
            else:
                yield row["number"], drop


def _superseded(
    rows: Mapping[str, Sequence[ReviewedRow]],
    verdicts: Mapping[int, Sequence[Verdict]],
    drops: Mapping[int, Drop],
) -> dict[int, Drop]:
    """The dropped rows beside which another of the same id and rank has more of the verdicts.

    Two runs may both have dropped a row for its margin, or people may have found both rows wrong. A
    release knows its rows by their ids, so it can have the verdicts on one of them only.
    """
    superseded: dict[int, Drop] = {}
    for same_id in rows.values():
        released = [_as_released(row, drops) for row in same_id if row["content"] is not None]
        best = min(map(rank, released), default=None)
        tied = [row["number"] for row in released if rank(row) == best and row["status"] != "kept"]
        if len(tied) > 1:
            standing = max(tied, key=lambda number: len(verdicts.get(number, ())))
            drop = Drop("duplicate", "people were asked about another row with this id")
            superseded |= {number: drop for number in tied if number != standing}
    return superseded


def _drop(verdicts: Sequence[Verdict], correction: str | None, votes: int) -> Drop | None:
    """Why a row with these verdicts, and perhaps a correction, is dropped; None if it is not."""
    if not verdicts:
        return None
    reason = reason_wrong(verdicts, votes)
    if correction is not None:
        detail = f"the correction is row {correction}"
        return Drop("corrected_by_people", f"{reason}; {detail}" if reason else detail)
    return Drop("rejected_by_people", reason) if reason else None


def _as_released(row: ReviewedRow, drops: Mapping[int, Drop]) -> ReviewedRow:
    drop = drops.get(row["number"])
    return row if drop is None else {**row, "status": "dropped", "reason": drop.reason}


def _redacted(verdict: Verdict, redact: Redact | None) -> Verdict:
    if redact is None:
        return verdict
    texts = redact({key: verdict[key] for key in ("status", *CORRECTED_TEXTS)})
    return {**verdict, **{key: texts[key] for key in CORRECTED_TEXTS}}

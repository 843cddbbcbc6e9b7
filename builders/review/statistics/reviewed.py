"""The records that count for the model against people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from builders.review.reviewable import ReviewableRow
from builders.review.statistics.design import Draw, Sample
from builders.review.verdicts import Verdict, unassisted_sample
from builders.rows import InvalidRow

ANSWERS = ("draft", "refinement")


@dataclass(frozen=True)
class ReviewedRecord:
    """The verdicts on a record, the model's scores, and how it was drawn."""

    row: ReviewableRow
    draw: Draw
    verdicts: tuple[Verdict, ...]

    @property
    def chosen(self) -> list[str]:
        """The answers that people chose, without ties."""
        return [row["better"] for row in self.verdicts if row["better"] in ANSWERS]

    def human_scores(self, answer: str) -> list[int]:
        """People's scores of the draft or the refinement."""
        scores = [row[f"{answer}_score"] for row in self.verdicts]
        return [score for score in scores if score is not None]

    def model_score(self, answer: str) -> int | None:
        return self.row.draft_score if answer == "draft" else self.row.refinement_score


def reviewed_records(
    verdicts: Iterable[Verdict], rows: Mapping[str, ReviewableRow]
) -> list[ReviewedRecord]:
    """The records that count for the model against people, sorted by key.

    `rows` are by ledger id; a verdict on a row that is missing raises `InvalidRow`.
    """
    by_record: dict[str, list[Verdict]] = {}
    for verdict in unassisted_sample(verdicts):
        by_record.setdefault(verdict["record"], []).append(verdict)
    records = []
    for record, group in sorted(by_record.items()):
        row_id = group[0]["id"]
        if row_id not in rows:
            raise InvalidRow(f"record {record} is about row {row_id}, which is not in the ledger")
        group.sort(key=lambda verdict: verdict["annotator"])
        records.append(ReviewedRecord(rows[row_id], Draw.of(group[0]), tuple(group)))
    return records


def sample_of(records: Sequence[ReviewedRecord]) -> Sample:
    return Sample.of([record.draw for record in records])

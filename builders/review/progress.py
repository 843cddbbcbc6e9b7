"""How far a review is: what each person has done, what is left, and how long it may take."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypedDict

from builders.review.folder import ReviewFacts
from builders.review.reviewable import ReviewableRow
from builders.review.statistics.annotators import agreement_with_others
from builders.review.statistics.answers import AnswerShares, answers_of
from builders.review.statistics.conduct import Warned, warnings_of
from builders.review.statistics.reviewed import reviewed_records
from builders.review.verdicts import Ratings, Verdict, ratings_of, unassisted

_HOUR = 3600.0
# The end is expected at the pace of so many days, or of all days if they are fewer. A part of a
# day is taken for a whole one: people sleep.
PACE_OVER, _LEAST = timedelta(days=7), timedelta(days=1)


class PersonStatus(TypedDict):
    """One person's work. `open`: records that they could still answer. `per_hour` is while working.

    `agreement` is the share of other people's choices that are the same, of `shared` records.
    `excluded` is why they are left out, if they are.
    """

    annotator: str
    submitted: int
    discarded: int
    drafts: int
    open: int
    per_hour: float | None
    last: str | None
    agreement: float | None
    shared: int
    warnings: list[Warned]
    excluded: str | None


class Preferred(TypedDict):
    """Which answer people say is better, as the report has it: estimates for all rows."""

    overall: AnswerShares
    by_source: dict[str, AnswerShares]
    by_length: dict[str, AnswerShares]


class ReviewStatus(TypedDict):
    """`answers` have been submitted of the `needed` ones; `hours_left` is work, shared by all.

    `expected_end` is the day of the last answer at the present pace, in the form 2026-03-02.
    `preferred` is None if the rows under review cannot be read.
    """

    records: int
    complete: int
    answers: int
    needed: int
    hours_left: float | None
    expected_end: str | None
    preferred: Preferred | None
    people: list[PersonStatus]


def review_status(
    facts: ReviewFacts,
    drawn: Sequence[Mapping[str, object]],
    verdicts: Sequence[Verdict],
    drafts: Mapping[str, int],
    annotators: Iterable[str],
    excluded: Mapping[str, str],
    *,
    rows: Mapping[str, ReviewableRow] | None = None,
    now: datetime | None = None,
) -> ReviewStatus:
    """The status of a review with these verdicts, `seconds` included, and saved drafts by person.

    `annotators` are those who may answer. A calibration record needs the answers of all of them,
    another one those of `overlap` people. An answer of somebody who is left out still fills its
    place on the server, where nobody else is shown the record. `rows` are by id, `now` has a zone
    and is by default the time of the last answer. `InvalidRow` for a verdict on none of `rows`.
    """
    names = sorted({*annotators, *drafts, *(row["annotator"] for row in verdicts)})
    active = [name for name in names if name not in excluded]
    submitted: dict[str, set[str]] = {row["record"]: set() for row in drawn}
    for row in verdicts:
        if row["status"] == "submitted":
            submitted.setdefault(row["record"], set()).add(row["annotator"])
    wanted = {
        row["record"]: max(1, len(active)) if row["calibration"] else facts.overlap for row in drawn
    }
    left = {record: max(0, wanted[record] - len(submitted[record])) for record in wanted}
    included = [row for row in verdicts if row["annotator"] not in excluded]
    seconds = [row["seconds"] for row in included if row["seconds"] is not None]
    needed, missing = sum(wanted.values()), sum(left.values())
    return ReviewStatus(
        records=len(wanted),
        complete=sum(not missing for missing in left.values()),
        answers=needed - missing,
        needed=needed,
        hours_left=missing * sum(seconds) / len(seconds) / _HOUR if seconds else None,
        # Without a pace, the times are those of a file's import.
        expected_end=_expected_end(included, missing, now) if seconds else None,
        preferred=None if rows is None else _preferred(included, rows),
        people=_people(names, verdicts, drafts, left, excluded, rows or {}),
    )


def _expected_end(verdicts: Iterable[Verdict], missing: int, now: datetime | None) -> str | None:
    """The day on which the `missing` answers are there; None if they are, or nobody answers now."""
    times = sorted(row["submitted_at"] for row in verdicts if row["status"] == "submitted")
    if not (times and missing):
        return None
    now = max(now or times[-1], times[-1])
    recent = [time for time in times if time >= now - PACE_OVER]
    if not recent:
        return None
    span = max(_LEAST, now - recent[0] if len(recent) == len(times) else PACE_OVER)
    try:
        return (now + missing / len(recent) * span).date().isoformat()
    except OverflowError:
        # Thousands of years.
        return None


def _preferred(verdicts: Sequence[Verdict], rows: Mapping[str, ReviewableRow]) -> Preferred:
    answers = answers_of(reviewed_records(verdicts, rows))
    return Preferred(
        overall=answers["questions"]["better"],
        by_source=answers["preferred_by_source"],
        by_length=answers["preferred_by_length"],
    )


def _people(
    names: Sequence[str],
    verdicts: Sequence[Verdict],
    drafts: Mapping[str, int],
    left: Mapping[str, int],
    excluded: Mapping[str, str],
    rows: Mapping[str, ReviewableRow],
) -> list[PersonStatus]:
    """Everybody's work; `left` is how many answers each record lacks."""
    warned = warnings_of(verdicts, rows)
    ratings = ratings_of(unassisted(verdicts), "better")
    people = []
    for name in names:
        own = [row for row in verdicts if row["annotator"] == name]
        answered = {row["record"] for row in own}
        paced = [row["seconds"] for row in own if row["seconds"] is not None]
        agreement = agreement_with_others(_beside(name, ratings, excluded), name)
        latest: datetime | None = max((row["submitted_at"] for row in own), default=None)
        people.append(
            PersonStatus(
                annotator=name,
                submitted=sum(row["status"] == "submitted" for row in own),
                discarded=sum(row["status"] == "discarded" for row in own),
                drafts=drafts.get(name, 0),
                open=sum(1 for record in left if left[record] and record not in answered),
                per_hour=_HOUR * len(paced) / sum(paced) if paced and sum(paced) else None,
                last=latest.isoformat() if latest else None,
                agreement=agreement["value"],
                shared=agreement["of"],
                warnings=warned.get(name, []),
                excluded=excluded.get(name),
            )
        )
    return people


def _beside(name: str, ratings: Ratings, excluded: Mapping[str, str]) -> Ratings:
    """The ratings of one person, and of the others who are not left out."""
    return {
        record: {one: said for one, said in answers.items() if one == name or one not in excluded}
        for record, answers in ratings.items()
    }

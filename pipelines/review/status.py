"""The answers that are on a review's server now; nothing in the review's folder is changed."""

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime

from builders.errors import BadInput
from builders.review.collected import by_place, merged
from builders.review.folder import Review
from builders.review.people import People, read_people, reasons_excluded
from builders.review.progress import ReviewStatus, review_status
from builders.review.pseudonyms import existing_key
from builders.review.responses import is_verdict, with_seconds
from builders.review.reviewable import ReviewableRow, reviewable_row
from builders.review.source import reviewed_source
from builders.rows import Row
from pipelines.review.pull import Reader, datasets_of, workspace_of
from pipelines.review.records import download
from pipelines.review.server import Server
from pipelines.review.state import State, earlier_verdicts
from pipelines.review.team import team_under


@dataclass(frozen=True)
class Standing:
    """The status of a review, and who its people are, by pseudonym.

    `unread` is why the rows under review cannot be read, without which nobody can say what people
    prefer; None if they can.
    """

    status: ReviewStatus
    people: People
    unread: str | None


def status_on_server(server: Server, review: Review) -> Standing:
    """How far the review is by the answers on its server; BadInput if a dataset is missing."""
    review.check_pushed()
    workspace_id = workspace_of(server, review)
    datasets = dict(datasets_of(server, review, workspace_id))
    reader = _reader(server, review, workspace_id)
    team = reader.team
    verdicts: dict[tuple[str, str], Row] = {}
    drafts: Counter[str] = Counter()
    for dataset_id, drawn in datasets.items():
        for record in download(server, dataset_id):
            if record.external_id not in drawn:
                continue
            verdicts |= reader.verdicts_on(record, drawn[record.external_id])
            drafts.update(
                team.annotator(response.user_id)
                for response in record.responses
                if not is_verdict(response)
            )
    kept = earlier_verdicts(review, State.read(review.folder), datasets, team.deleted)
    earlier, imported = (
        by_place(map(team.translated, rows)) for rows in (kept.values(), review.imported())
    )
    on_server = with_seconds(merged(verdicts, earlier).values())
    current = merged(by_place(on_server), imported)
    people = team.now(name for _, name in current)
    return _standing(review, current, drafts, people, datetime.now(UTC))


def unpulled_verdicts(server: Server, review: Review, dataset_ids: Iterable[str]) -> int:
    """How many verdicts these datasets of the review have that are not in its folder.

    One that a later answer of the same person replaces is not missing.
    """
    reader = _reader(server, review, workspace_of(server, review))
    drawn = {row["record"]: row for row in review.drawn()}
    return sum(
        place not in reader.previous
        or reader.previous[place]["submitted_at"] < verdict["submitted_at"]
        for dataset_id in dataset_ids
        for record in download(server, dataset_id)
        if record.external_id in drawn
        for place, verdict in reader.verdicts_on(record, drawn[record.external_id]).items()
    )


def _reader(server: Server, review: Review, workspace_id: str) -> Reader:
    """Reads datasets under the pseudonyms of the folder, in which nothing is changed."""
    # Before the first pull there is no key, and none is made here.
    key = existing_key(review.folder) or secrets.token_bytes(32)
    team = team_under(server, review, workspace_id, key, key)
    return Reader(server, review, team, State({}, False), by_place(review.verdicts()), None)


def status_of_pull(review: Review) -> Standing:
    """How far the review was at the last pull, when drafts were not counted."""
    return _standing(review, by_place(review.verdicts()), {}, read_people(review.folder), None)


def _standing(
    review: Review,
    verdicts: Mapping[tuple[str, str], Row],
    drafts: Mapping[str, int],
    people: People,
    now: datetime | None,
) -> Standing:
    drawn, rows, unread = review.drawn(), None, None
    try:
        rows = _reviewable_rows(review, {row["id"] for row in drawn})
    except BadInput as error:
        # How far people are can be said all the same.
        unread = str(error)
    status = review_status(
        review.facts,
        drawn,
        list(verdicts.values()),
        drafts,
        [one.annotator for one in people.values() if one.on_server],
        reasons_excluded(people),
        rows=rows,
        now=now,
    )
    return Standing(status, people, unread)


def _reviewable_rows(review: Review, ids: Set[str]) -> dict[str, ReviewableRow]:
    """The rows that were drawn, by id; BadInput if one of them cannot be read."""
    source = reviewed_source(review).rows(review.facts.rows)
    found = (reviewable_row(row) for row in source if row["id"] in ids)
    rows = {row.id: row for row in found if row}
    if missing := ids - rows.keys():
        raise BadInput(f"{review.source}: the row {min(missing)} is missing")
    return rows

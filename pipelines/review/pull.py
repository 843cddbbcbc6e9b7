"""Pulling a review's responses: verdicts, and corrections.

A dataset is downloaded only if a response was added, edited or deleted since the last pull. Files
are replaced as a whole, and the state that saves a download is written last. Verdicts of people
whose account is no longer on the server are kept, as those on deleted records and in deleted
datasets are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from operator import itemgetter

from builders.errors import BadInput
from builders.files.lock import locked
from builders.review.collected import by_place, merged, not_imported, write_verdicts
from builders.review.folder import EARLIER, IMPORTED, Review, write_rows
from builders.review.people import reasons_excluded
from builders.review.responses import is_verdict, verdict_of, with_seconds
from builders.rows import InvalidRow, Row
from builders.rows.schema import VERDICTS
from builders.wording import counted
from pipelines.review.annotators import find_workspace
from pipelines.review.dataset import find_dataset
from pipelines.review.records import ServerRecord, download, state_mark
from pipelines.review.server import Server
from pipelines.review.state import (
    DrawnRows,
    State,
    keep_earlier,
    on_records,
    write_state,
)
from pipelines.review.team import Team, read_team

# By record and annotator.
Verdicts = dict[tuple[str, str], Row]


@dataclass(frozen=True)
class PullResult:
    """The number of verdicts and corrections after a pull, and what it changed.

    `deleted`: records that are no longer on the server; verdicts on them are kept. `unknown`:
    records on the server that are not the review's. `gone`: people with verdicts whose account is
    no longer on the server. `again`: people who have had another account since the last pull, and
    are the same. `excluded`: verdicts of people who are left out. `unmatched`: people
    whose pseudonym is still under an earlier key. `unchanged`: the server had nothing new.
    """

    verdicts: int
    new: int
    edited: int
    taken_back: int
    corrections: int
    deleted: int
    unknown: int
    gone: int
    again: int
    excluded: int
    unmatched: int
    unchanged: bool


@dataclass(frozen=True)
class _DatasetPull:
    """What one dataset has; `mark` identifies its state on the server."""

    mark: str
    verdicts: Verdicts
    deleted: list[str]
    unknown: int
    unchanged: bool = False

    @property
    def recorded(self) -> Row:
        """What the state of a pull says of it."""
        return {"mark": self.mark, "deleted": self.deleted, "unknown": self.unknown}


def pull(
    server: Server, review: Review, progress: Callable[[int], None] | None = None
) -> PullResult:
    """Update the review's verdicts and corrections.

    `progress` is called with the number of records read. BadInput if a dataset is missing, or a
    response does not answer the review's questions.
    """
    review.check_pushed()
    with locked(review.folder):
        workspace_id = workspace_of(server, review)
        team = read_team(server, review, workspace_id)
        previous = by_place(_translated(team, review.verdicts()))
        imported = by_place(_translated(team, review.imported()))
        state = State.read(review.folder)
        before = not_imported(previous.values(), imported)
        datasets = dict(datasets_of(server, review, workspace_id))
        state, kept = keep_earlier(review, state, datasets, team.deleted)
        earlier = by_place(_translated(team, kept.values()))
        reader = Reader(server, review, team, state, before, progress)
        pulls = {
            dataset_id: reader.read(dataset_id, drawn) for dataset_id, drawn in datasets.items()
        }
        on_server = {place: row for each in pulls.values() for place, row in each.verdicts.items()}
        pulled = merged(on_server, earlier)
        annotators = {annotator for _, annotator in pulled}
        if not team.is_renamed and all(each.unchanged for each in pulls.values()):
            team.save(annotators)
            return _result(team, previous, previous, annotators, len(review.corrections()), pulls)
        current = merged(by_place(with_seconds(pulled.values())), imported)
        written = write_verdicts(review, current, excluded=reasons_excluded(team.now()))
        if team.is_renamed and imported:
            write_rows(review.folder / "imported.parquet", imported.values(), IMPORTED)
        if team.is_renamed and earlier:
            write_rows(review.folder / EARLIER, earlier.values(), VERDICTS)
        team.save(annotators)
        # Last: it says that the rest is complete.
        read = {dataset_id: each.recorded for dataset_id, each in pulls.items()}
        write_state(review.folder, read)
        return _result(team, previous, current, annotators, written.corrections, pulls)


def _translated(team: Team, rows: Iterable[Row]) -> list[Row]:
    """The rows under the project's pseudonyms; the latest last, if two are of one person."""
    return sorted(map(team.translated, rows), key=itemgetter("submitted_at"))


def workspace_of(server: Server, review: Review) -> str:
    """The id of the review's workspace; BadInput if our user cannot see it."""
    name = review.facts.workspace
    workspace = find_workspace(server, name)
    if workspace is None:
        raise BadInput(
            f"{server.url}: {server.user} cannot see a workspace {name!r}; the review was pushed "
            f"to {review.facts.url}"
        )
    return workspace["id"]


def datasets_of(
    server: Server, review: Review, workspace_id: str
) -> Iterator[tuple[str, DrawnRows]]:
    """The id of each dataset, and the rows drawn for it; BadInput if one is missing."""
    facts, drawn = review.facts, review.drawn()
    for is_calibration, name in (
        (True, facts.datasets.calibration),
        (False, facts.datasets.sample),
    ):
        if name is None:
            continue
        dataset = find_dataset(server, workspace_id, name)
        if dataset is None:
            raise BadInput(
                f"{server.url}: the workspace {facts.workspace!r} has no dataset {name!r} now; the "
                f"review was pushed to {facts.url}, and the same `srt review push` puts it there"
            )
        rows = {row["record"]: row for row in drawn if row["calibration"] == is_calibration}
        yield dataset["id"], rows


@dataclass(frozen=True)
class Reader:
    """Reads datasets; `previous` has the verdicts of the last pull, without those of files."""

    server: Server
    review: Review
    team: Team
    state: State
    previous: Verdicts
    progress: Callable[[int], None] | None

    def read(self, dataset_id: str, drawn: DrawnRows) -> _DatasetPull:
        """The dataset's verdicts."""
        # Taken before the download: a response that arrives meanwhile changes the next mark.
        mark = state_mark(self.server, dataset_id)
        before = self.state.datasets.get(dataset_id)
        if before and self.state.is_current and before["mark"] == mark:
            kept = on_records(self.previous, drawn)
            return _DatasetPull(mark, kept, before["deleted"], before["unknown"], unchanged=True)
        verdicts: Verdicts = {}
        seen: set[str] = set()
        unknown = 0
        for number, record in enumerate(download(self.server, dataset_id), start=1):
            if record.external_id in drawn:
                seen.add(record.external_id)
                verdicts |= self.verdicts_on(record, drawn[record.external_id])
            else:
                unknown += 1
            if self.progress:
                self.progress(number)
        if unknown and not seen:
            raise BadInput(
                f"{self.server.url}: the dataset has {counted(unknown, 'record')}, none of them "
                f"from this review, which was pushed to {self.review.facts.url}"
            )
        deleted = drawn.keys() - seen
        kept = on_records(self.previous, {key: drawn[key] for key in deleted})
        if before:
            # A server deletes a user's responses together with the user.
            on_server = on_records(self.previous, {key: drawn[key] for key in seen})
            kept |= {
                place: row for place, row in on_server.items() if place[1] not in self.team.present
            }
        return _DatasetPull(mark, kept | verdicts, sorted(deleted), unknown)

    def verdicts_on(self, record: ServerRecord, drawn: Row) -> Verdicts:
        """The verdicts on a record of the server."""
        verdicts: Verdicts = {}
        for response in filter(is_verdict, record.responses):
            annotator = self.team.annotator(response.user_id)
            place = (drawn["record"], annotator)
            try:
                verdicts[place] = verdict_of(
                    response,
                    drawn,
                    annotator=annotator,
                    assisted=self.review.facts.assisted,
                    previous=self.previous.get(place),
                )
            except InvalidRow as error:
                raise BadInput(
                    f"{self.server.url}: a response to the record {drawn['record']} does not "
                    f"answer the review's questions ({error})"
                ) from None
        return verdicts


def _result(
    team: Team,
    previous: Verdicts,
    current: Verdicts,
    annotators: Set[str],
    corrections: int,
    pulls: Mapping[str, _DatasetPull],
) -> PullResult:
    both = previous.keys() & current.keys()
    excluded = reasons_excluded(team.now())
    return PullResult(
        verdicts=len(current),
        new=len(current.keys() - previous.keys()),
        edited=sum(previous[key]["submitted_at"] != current[key]["submitted_at"] for key in both),
        taken_back=len(previous.keys() - current.keys()),
        corrections=corrections,
        deleted=len({record for each in pulls.values() for record in each.deleted}),
        unknown=sum(each.unknown for each in pulls.values()),
        gone=len(annotators - team.present),
        again=len(set(team.new_again.values())),
        excluded=sum(annotator in excluded for _, annotator in current),
        unmatched=team.unmatched(annotators),
        unchanged=all(each.unchanged for each in pulls.values()),
    )

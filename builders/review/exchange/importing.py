"""People's answers in a file as verdicts of a review, beside those of a review server.

Verdicts from files are kept in `imported.parquet`, with the file that each is from, so that a pull
from a server leaves them alone. An import changes all of it or nothing.
"""

import hmac
import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from builders.errors import BadInput
from builders.files.lock import locked
from builders.review.collected import by_place, merged, not_imported, write_verdicts
from builders.review.exchange.answers import BadRow, FileResponse, read_response
from builders.review.exchange.columns import ANNOTATOR, required_of
from builders.review.exchange.table import FileRow, read_file
from builders.review.folder import IMPORTED, Review, write_rows
from builders.review.people import People, read_people, with_imported, write_people
from builders.review.pseudonyms import pseudonym, read_key
from builders.review.responses import verdict_of, with_seconds
from builders.rows import InvalidRow, Row

# More bad lines than this are counted, not printed.
_LISTED = 20
# What an answer is, whenever it was given and in whichever file it stands.
_TIMES = ("started_at", "submitted_at", "seconds", "file", "file_digest")


@dataclass(frozen=True)
class ImportResult:
    """The verdicts and corrections after an import, and what it changed.

    `empty`: rows of the file that nobody has filled in.
    """

    file: str
    verdicts: int
    new: int
    edited: int
    unchanged: int
    empty: int
    corrections: int


@dataclass(frozen=True)
class _Response:
    """A response with both its times, as `verdict_of` reads it."""

    status: str
    values: Mapping[str, object]
    inserted_at: datetime
    updated_at: datetime


def import_file(
    review: Review, path: Path, *, annotator: str | None = None, now: datetime | None = None
) -> ImportResult:
    """Add the answers in a file to the review's verdicts.

    A row is one person's answers to one record. An answer replaces what an earlier file says of
    the same person and record. `annotator` is who answered where the file does not say. An answer
    without a time gets that of its first import, `now`. BadInput, with every bad line, if any row
    is not an answer to this review; then nothing is changed.
    """
    now = now or datetime.now(UTC)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None
    with locked(review.folder):
        required = required_of(review)
        rows = read_file(content, path, has_annotator=annotator is None, required=required)
        key = read_key(review.folder)
        people = read_people(review.folder)
        known_names = {one.name for one in people.values() if one.name}
        responses, empty = _responses(review, rows, path, annotator, known_names, now)
        names = {name: _pseudonym(name, people, key) for name in _names(responses)}
        place = {
            "file": public_name(path.name, names),
            "file_digest": hmac.digest(key, content, "sha256").hex(),
        }
        before = by_place(review.imported())
        verdicts = _verdicts(review, responses, names, before, now)
        imported = before | {key: {**row, **place} for key, row in verdicts.items()}
        pulled = not_imported(review.verdicts(), before)
        write_rows(review.folder / "imported.parquet", imported.values(), IMPORTED)
        write_people(review.folder, with_imported(people, names))
        written = write_verdicts(review, merged(pulled, imported))
    known = verdicts.keys() & before.keys()
    edited = sum(not _is_same(verdicts[key], before[key]) for key in known)
    return ImportResult(
        file=place["file"],
        verdicts=written.verdicts,
        new=len(verdicts) - len(known),
        edited=edited,
        unchanged=len(known) - edited,
        empty=empty,
        corrections=written.corrections,
    )


def _responses(
    review: Review,
    rows: Iterable[FileRow],
    path: Path,
    annotator: str | None,
    known: Set[str],
    now: datetime,
) -> tuple[list[FileResponse], int]:
    """The responses in a file, and the number of its empty rows; BadInput names every bad row.

    `known` are the names of the review's people.
    """
    drawn = {row["record"] for row in review.drawn()}
    responses: dict[tuple[str, str], FileResponse] = {}
    places: dict[tuple[str, str], str] = {}
    spelled = {name.casefold(): name for name in known}
    problems: list[str] = []
    rows, empty = list(rows), 0
    for row in rows:
        try:
            if row.problem:
                raise BadRow(row.problem)
            response = read_response(_signed(row.values, annotator), now, required_of(review))
            if response is None:
                empty += 1
                continue
            if response.record not in drawn:
                raise BadRow(f"record: {response.record[:40]!r} is not one of this review")
            name = response.annotator
            first = spelled.setdefault(name.casefold(), name)
            if first != name and name not in known:
                where = "in this review" if first in known else "above"
                raise BadRow(f"annotator: {name!r} is spelled {first!r} {where}")
            key = (response.record, name)
            if key in responses:
                raise BadRow(f"{name} has answered this record on {places[key]} already")
            responses[key], places[key] = response, row.place
        except BadRow as error:
            problems.append(f"{row.place}: {error}")
    if problems:
        raise BadInput(_listed(problems, path, len(rows)))
    if not responses:
        raise BadInput(f"{path}: nobody has filled in any of its {len(rows):,} rows")
    return list(responses.values()), empty


def _signed(values: Mapping[str, object], annotator: str | None) -> Mapping[str, object]:
    """A row's values with its annotator; that of the file, if it names one."""
    own = values.get(ANNOTATOR)
    return {**values, ANNOTATOR: annotator} if annotator and own in (None, "") else values


def _names(responses: Iterable[FileResponse]) -> list[str]:
    return list(dict.fromkeys(response.annotator for response in responses))


def _pseudonym(name: str, people: People, key: bytes) -> str:
    """That of the person with this user name on the review's server, if there is one.

    A person who is known from a file stays the one that they are.
    """
    own = pseudonym(key, name)
    if own in people:
        return own
    return next((one.annotator for one in people.values() if one.name == name), own)


def _listed(problems: list[str], path: Path, total: int) -> str:
    lines = [f"  {problem}" for problem in problems[:_LISTED]]
    if len(problems) > _LISTED:
        lines.append(f"  and {len(problems) - _LISTED:,} more")
    count = f"{len(problems):,} of {total:,} rows"
    return "\n".join([f"{path}: nothing was imported, {count} cannot be:", *lines])


def _verdicts(
    review: Review,
    responses: Iterable[FileResponse],
    names: Mapping[str, str],
    before: Mapping[tuple[str, str], Row],
    now: datetime,
) -> dict[tuple[str, str], Row]:
    """The verdict of each response, by record and annotator.

    Only the times that the file has say how long a person took.
    """
    drawn = {row["record"]: row for row in review.drawn()}
    timed, untimed = [], []
    for response in responses:
        time = response.submitted_at or now
        try:
            verdict = verdict_of(
                _Response(response.status, response.values, time, time),
                drawn[response.record],
                annotator=names[response.annotator],
                assisted=review.facts.assisted,
            )
        except InvalidRow as error:
            raise BadInput(f"record {response.record}: {error}") from None
        earlier = before.get((verdict["record"], verdict["annotator"]))
        if response.submitted_at:
            timed.append(verdict)
        elif earlier and _is_same(earlier, verdict):
            untimed.append({**verdict, "submitted_at": earlier["submitted_at"]})
        else:
            untimed.append(verdict)
    return by_place([*with_seconds(timed), *untimed])


def _is_same(one: Row, other: Row) -> bool:
    return all(one[name] == other[name] for name in one if name not in _TIMES)


def public_name(file: str, pseudonyms: Mapping[str, str]) -> str:
    """A file's name with people's names, and parts of them, replaced by their pseudonyms.

    >>> public_name("answers of Ada.csv", {"ada@example.org": "a-17"})
    'answers of a-17.csv'
    """
    parts = {
        part.casefold(): name
        for person, name in pseudonyms.items()
        for part in (person, *re.split(r"[\W_]+", person))
        if len(part) > 1
    }
    longest_first = sorted(parts, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)
    stem = pattern.sub(lambda match: parts.get(match[0].casefold(), "…"), Path(file).stem)
    return f"{stem}{Path(file).suffix}"

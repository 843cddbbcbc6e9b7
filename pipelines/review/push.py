"""Starting a review: rows drawn, accounts and datasets on the server, records in them.

An interrupted push is resumed by the same command: the rows drawn are on disk before anything is
sent, nothing is sent twice, and `review.json` is written last.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builders.errors import BadInput
from builders.files.lock import locked
from builders.progress import Progress
from builders.review.drawing import (
    DrawOptions,
    drawn_rows,
    existing_facts,
    facts_of,
    sample_notes,
)
from builders.review.folder import (
    DRAWN,
    FACTS,
    UNFINISHED,
    DatasetNames,
    Review,
    ReviewFacts,
    open_review,
    write_facts,
    write_rows,
)
from builders.review.source import ReviewedSource
from builders.rows import Row
from pipelines.review.annotators import (
    NOBODY,
    AnnotatorList,
    check_workspace_name,
    count_annotators,
    ensure_annotators,
    ensure_workspace,
    find_workspace,
    missing_annotators,
    read_passwords,
)
from pipelines.review.fill import check_datasets, fill
from pipelines.review.server import Server

WORKSPACE = "reviews"
_LONGEST_NAME = 200


@dataclass(frozen=True)
class PushOptions(DrawOptions):
    """What the user asked for; None takes the default that follows from the rest."""

    people: AnnotatorList = NOBODY
    workspace: str | None = None
    dataset: str | None = None


@dataclass(frozen=True)
class PushResult:
    """The outcome of a push. `passwords` are those that have not been shown yet."""

    review: Review
    pages: Mapping[str, str]
    drawn: int
    sent: int
    annotators: int
    passwords: Mapping[str, str]
    notes: tuple[str, ...]


def push(
    server: Server,
    source: ReviewedSource,
    options: PushOptions,
    progress: Progress | None = None,
) -> PushResult:
    """Push a review of `source`, or complete one with the same options.

    BadInput, without any change, if the folder holds another review, a dataset with the name
    belongs to something else, or our user lacks permission.
    """
    folder = options.folder(source)
    facts, started = _begun(folder, _facts(server, source, options, folder))
    drawn = drawn_rows(folder, source, facts, progress)
    workspace_id = _check_workspace(server, facts.workspace, options.people)
    if workspace_id:
        check_datasets(server, facts, workspace_id, drawn, started)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        # Another push may have run since.
        facts, started = _begun(folder, facts)
        begins = not (started or (folder / FACTS).exists())
        if begins or not (folder / "drawn.parquet").exists():
            write_rows(folder / "drawn.parquet", drawn, DRAWN)
        if not started:
            write_facts(folder / UNFINISHED, facts)
        workspace_id = workspace_id or ensure_workspace(server, facts.workspace, folder)
        passwords = ensure_annotators(server, workspace_id, options.people, folder)
        annotators = count_annotators(server, workspace_id)
        filled = fill(server, source, facts, workspace_id, drawn, annotators, progress)
        if started != FACTS:
            # An interrupted push created these accounts without showing their passwords.
            passwords = read_passwords(folder)
        write_facts(folder / FACTS, facts)
        (folder / UNFINISHED).unlink(missing_ok=True)
    return PushResult(
        open_review(folder),
        filled.pages,
        len(drawn),
        filled.sent,
        annotators,
        passwords,
        tuple(_notes(facts, drawn, annotators)),
    )


def _facts(
    server: Server, source: ReviewedSource, options: PushOptions, folder: Path
) -> ReviewFacts:
    """The review.json of a push; BadInput for a workspace or dataset name that is not allowed."""
    drawn = facts_of(source, options, folder)
    dataset = options.dataset or drawn.name
    workspace = options.workspace or options.people.workspace or WORKSPACE
    check_workspace_name(workspace, "--workspace")
    calibration = f"{dataset}-calibration" if options.calibration else None
    if not dataset.strip() or not dataset.isprintable():
        raise BadInput(f"--dataset: {dataset!r} cannot be a dataset's name")
    if len(calibration or dataset) > _LONGEST_NAME:
        raise BadInput(f"--dataset: {dataset!r} is too long for a dataset's name")
    names = DatasetNames(sample=dataset, calibration=calibration)
    place = {"url": server.url, "workspace": workspace, "datasets": names}
    return drawn.model_copy(update=place)


def _check_workspace(server: Server, name: str, people: AnnotatorList) -> str | None:
    """The workspace's id, or None if it will be created; BadInput if our user may not do so."""
    workspace = find_workspace(server, name)
    if workspace is None and server.role != "owner":
        raise BadInput(
            f"{server.url}: {server.user} is an {server.role} without a workspace {name!r}; an "
            "owner can create it"
        )
    workspace_id = workspace["id"] if workspace else None
    missing_annotators(server, workspace_id, people)
    return workspace_id


def _begun(folder: Path, facts: ReviewFacts) -> tuple[ReviewFacts, str | None]:
    """`facts` with schema and population of the review in the folder, and how far its push came.

    That is FACTS or UNFINISHED, and None if no push of it began. BadInput for another review.
    """
    existing = existing_facts(folder, facts)
    if existing is None:
        return facts, None
    facts = facts.model_copy(update={"schema_": existing.schema_, "rows": existing.rows})
    if existing.url is None:
        return facts, None
    return facts, UNFINISHED if (folder / UNFINISHED).exists() else FACTS


def _notes(facts: ReviewFacts, drawn: Sequence[Row], annotators: int) -> Iterator[str]:
    """What the user should know about the push, none of it an error."""
    yield from sample_notes(facts, drawn)
    if annotators == 0:
        yield f"the workspace {facts.workspace!r} has no annotators yet"
    elif annotators < facts.overlap:
        yield (
            f"--overlap {facts.overlap}: no record can be completed until the workspace has that "
            f"many annotators; it has {annotators}"
        )

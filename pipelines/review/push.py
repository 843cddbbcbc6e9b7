"""A review begun: rows drawn, people and datasets on the server, records in them.

Whatever ends a push, the same command continues it: who was drawn is on disk before anything is
sent, nothing is sent that is there, and `review.json` is written last.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builders.errors import BadInput
from builders.review.folder import (
    DRAWN,
    FACTS,
    REVIEW_SCHEMA,
    REVIEWS,
    UNFINISHED,
    Review,
    open_review,
    read_facts,
    read_rows,
    write_facts,
    write_rows,
)
from builders.review.plan import Design, draw, records
from builders.review.source import SHOWN, Source
from pipelines.lock import run_lock
from pipelines.review.dataset import (
    check_dataset,
    find_dataset,
    make_dataset,
    page_of,
    question_ids,
    settings,
)
from pipelines.review.people import (
    People,
    annotators_in,
    check_workspace,
    ensure_people,
    ensure_workspace,
    find_workspace,
    missing_people,
    read_passwords,
)
from pipelines.review.records import external_ids, upload
from pipelines.review.server import Server

if TYPE_CHECKING:
    from argilla import Settings

WORKSPACE = "reviews"
_LONGEST_NAME = 200

# Called with the stage ("drawing", "uploading") and what is done of it.
Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Wishes:
    """What the user asked for; what is None follows from the rest."""

    sample: int = 200
    strategy: str = "stratified"
    seed: int = 0
    overlap: int = 3
    calibration: int = 0
    assisted: bool = False
    out: Path | None = None
    people: People = field(default_factory=People)
    workspace: str | None = None
    dataset: str | None = None


@dataclass(frozen=True)
class Pushed:
    """What a push did. `passwords` are of people that nobody has been told of yet."""

    review: Review
    pages: Mapping[str, str]
    drawn: int
    sent: int
    annotators: int
    passwords: Mapping[str, str]
    notes: tuple[str, ...]


def push(
    server: Server, source: Source, wishes: Wishes, progress: Progress | None = None
) -> Pushed:
    """Push a review of `source`; the same again completes what is missing.

    BadInput, and nothing is changed, where the folder holds another review, a dataset of the name
    is another one, or our user may not do it.
    """
    folder = wishes.out or REVIEWS / source.path.resolve().name
    facts = facts_of(server, source, wishes, folder)
    begun = _begun(folder, facts)
    drawn = _drawn(folder, source, facts, begun)
    if progress:
        progress("drawing", len(drawn))
    workspace_id = _look(server, facts, wishes.people, drawn, begun)
    folder.mkdir(parents=True, exist_ok=True)
    with run_lock(folder):
        # Another push may have been here since.
        begun = _begun(folder, facts)
        if not begun:
            write_facts(folder / UNFINISHED, facts)
        if not (folder / "drawn.parquet").exists():
            write_rows(folder / "drawn.parquet", drawn, DRAWN)
        workspace_id = workspace_id or ensure_workspace(server, facts["workspace"])
        made = ensure_people(server, workspace_id, wishes.people, folder)
        annotators = annotators_in(server, workspace_id)
        sent, pages = _fill(server, source, facts, drawn, workspace_id, annotators, progress)
        untold = made if begun == FACTS else read_passwords(folder)
        write_facts(folder / FACTS, facts)
        (folder / UNFINISHED).unlink(missing_ok=True)
    return Pushed(
        open_review(folder),
        pages,
        len(drawn),
        sent,
        annotators,
        untold,
        tuple(_notes(facts, drawn, annotators)),
    )


def facts_of(server: Server, source: Source, wishes: Wishes, folder: Path) -> dict[str, Any]:
    """What review.json says of a push; BadInput where a name cannot be one."""
    name = folder.resolve().name
    dataset = wishes.dataset or name
    workspace = wishes.workspace or wishes.people.workspace or WORKSPACE
    check_workspace(workspace, "--workspace")
    calibration = f"{dataset}-calibration" if wishes.calibration else None
    if not dataset.strip() or not dataset.isprintable():
        raise BadInput(f"--dataset: {dataset!r} cannot name a dataset")
    if len(calibration or dataset) > _LONGEST_NAME:
        raise BadInput(f"--dataset: {dataset!r} is too long for a dataset's name")
    return {
        "schema": REVIEW_SCHEMA,
        "name": name,
        "source": {
            "kind": source.kind,
            "path": Path(os.path.relpath(source.path.resolve(), folder.resolve())).as_posix(),
            "name": source.name,
            "version": source.version,
            "digest": source.digest,
        },
        "stage": source.stage,
        "strategy": wishes.strategy,
        "seed": wishes.seed,
        "sample": wishes.sample,
        "overlap": wishes.overlap,
        "calibration": wishes.calibration,
        "assisted": wishes.assisted,
        "url": server.url,
        "workspace": workspace,
        "datasets": {"sample": dataset, "calibration": calibration},
    }


def _begun(folder: Path, facts: Mapping[str, Any]) -> str | None:
    """FACTS or UNFINISHED where this push was there before, and BadInput where another was."""
    for name in (FACTS, UNFINISHED):
        if not (folder / name).exists():
            continue
        if differing := _differing(read_facts(folder / name), facts):
            said = ", ".join(differing)
            raise BadInput(
                f"{folder} is a review pushed with another {said}; --out makes a new one beside it"
            )
        return name
    return None


def _differing(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """The keys in which two reviews differ. Where the source lies is no difference."""

    def compared(facts: Mapping[str, Any]) -> dict[str, Any]:
        return {**facts, "source": facts["source"]["digest"]}

    one, other = compared(there), compared(wanted)
    return [f"{key} ({one[key]!r})" if key != "source" else key for key in one
            if one[key] != other[key]]  # fmt: skip


def _drawn(
    folder: Path, source: Source, facts: Mapping[str, Any], begun: str | None
) -> list[dict[str, Any]]:
    path = folder / "drawn.parquet"
    if begun and path.exists():
        return read_rows(path, DRAWN)
    asked = ("strategy", "seed", "sample", "calibration", "assisted")
    design = Design(facts["name"], source.digest, **{name: facts[name] for name in asked})
    return draw(source.rows, design)


def _look(
    server: Server,
    facts: Mapping[str, Any],
    people: People,
    drawn: Iterable[Mapping[str, Any]],
    begun: str | None,
) -> str | None:
    """The workspace's id if it is there, and BadInput where the push cannot be done.

    Nothing is changed.
    """
    found = find_workspace(server, facts["workspace"])
    if found is None and server.role != "owner":
        raise BadInput(
            f"{server.url}: {server.user} ({server.role}) is in no workspace "
            f"{facts['workspace']!r}; an owner may make it"
        )
    workspace_id = found["id"] if found else None
    missing_people(server, workspace_id, people)
    if workspace_id is None:
        return None
    ours = {calibration: set() for calibration in (False, True)}
    for row in drawn:
        ours[row["calibration"]].add(row["record"])
    for calibration, name in _names(facts):
        dataset = find_dataset(server, workspace_id, name)
        if dataset is None:
            continue
        if dataset["status"] != "ready":
            if not begun:
                raise BadInput(
                    f"{server.url}: a dataset {name!r} is there and not published; --dataset names "
                    "another"
                )
            continue
        check_dataset(server, dataset, _settings(server, facts, calibration, 1))
        if begun != FACTS and external_ids(server, dataset["id"]) - ours[calibration]:
            raise BadInput(
                f"{server.url}: the dataset {name!r} is there, with records of another review; "
                "--dataset names another"
            )
    return workspace_id


def _names(facts: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    """Whether it is for calibration, and its name, of each dataset."""
    if facts["datasets"]["calibration"]:
        yield True, facts["datasets"]["calibration"]
    yield False, facts["datasets"]["sample"]


def _settings(
    server: Server, facts: Mapping[str, Any], calibration: bool, annotators: int
) -> "Settings":
    wanted = max(1, annotators) if calibration else facts["overlap"]
    return settings(
        server, min_submitted=wanted, calibration=calibration, assisted=facts["assisted"]
    )


def _fill(
    server: Server,
    source: Source,
    facts: Mapping[str, Any],
    drawn: list[dict[str, Any]],
    workspace_id: str,
    annotators: int,
    progress: Progress | None,
) -> tuple[int, dict[str, str]]:
    """Make the datasets and send what is not there; how many records, and the datasets' pages."""
    done, sent, pages = 0, 0, {}
    for calibration, name in _names(facts):
        wanted = _settings(server, facts, calibration, annotators)
        dataset_id = _ensure_dataset(server, workspace_id, facts["workspace"], name, wanted)
        rows = [row for row in drawn if row["calibration"] == calibration]
        there = external_ids(server, dataset_id)
        missing = [row for row in rows if row["record"] not in there]
        done += len(rows) - len(missing)
        if missing:
            asked = question_ids(server, dataset_id)
            made = records(source.rows(SHOWN), missing, assisted=facts["assisted"])

            def said(count: int, before: int = done) -> None:
                if progress:
                    progress("uploading", before + count)

            upload(server, dataset_id, (_as_sent(record, asked) for _, record in made), said)
            done += len(missing)
            sent += len(missing)
        if progress:
            progress("uploading", done)
        pages[name] = page_of(server.url, dataset_id)
    return sent, pages


def _ensure_dataset(
    server: Server, workspace_id: str, workspace: str, name: str, wanted: "Settings"
) -> str:
    """The id of the dataset, made if it is not there or was not finished.

    One for calibration asks at least as many as there are annotators now.
    """
    found = find_dataset(server, workspace_id, name)
    if found and found["status"] != "ready":
        # Ours: cut off before it was published, and so without a record.
        server.ask("DELETE", f"datasets/{found['id']}")
        found = None
    if found is None:
        return make_dataset(server, workspace, name, wanted)
    least = wanted.distribution.min_submitted
    if found["distribution"]["min_submitted"] < least:
        more = {"strategy": "overlap", "min_submitted": least}
        server.ask("PATCH", f"datasets/{found['id']}", body={"distribution": more})
    return found["id"]


def _as_sent(record: Mapping[str, Any], asked: Mapping[str, str]) -> dict[str, Any]:
    """A record as the server takes it; `asked` are its questions' ids."""
    return {
        "external_id": record["id"],
        "fields": record["fields"],
        "metadata": record["metadata"],
        "suggestions": [
            {"question_id": asked[name], "value": value, "agent": "model", "type": "model"}
            for name, value in record["suggestions"].items()
        ],
    }


def _notes(facts: Mapping[str, Any], drawn: list[dict[str, Any]], annotators: int) -> Iterator[str]:
    """What the user should know, and need do nothing about."""
    sampled = sum(not row["calibration"] for row in drawn)
    if sampled < facts["sample"]:
        yield f"--sample {facts['sample']}: there are {sampled:,} rows to draw, and all are"
    if annotators == 0:
        yield f"nobody is an annotator in the workspace {facts['workspace']!r} yet"
    elif annotators < facts["overlap"]:
        yield (
            f"--overlap {facts['overlap']}: with {annotators} annotators in the workspace no "
            "record is complete before more join it"
        )

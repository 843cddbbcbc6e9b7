"""A review begun: rows drawn, people and datasets on the server, records in them.

Whatever ends a push, the same command continues it: who was drawn is on disk before anything is
sent, nothing is sent that is there, and `review.json` is written last.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
from builders.review.plan import Design, draw
from builders.review.source import Source
from pipelines.lock import run_lock
from pipelines.review.fill import Progress, check_datasets, fill
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
from pipelines.review.server import Server

WORKSPACE = "reviews"
_LONGEST_NAME = 200
# Rows read between two signs of life.
_TOLD_EVERY = 1000


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
    drawn = _drawn(folder, source, facts, begun, progress)
    workspace_id = _check_workspace(server, facts["workspace"], wishes.people)
    if workspace_id:
        check_datasets(server, facts, workspace_id, drawn, begun)
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
        filled = fill(server, source, facts, workspace_id, drawn, annotators, progress)
        untold = made if begun == FACTS else read_passwords(folder)
        write_facts(folder / FACTS, facts)
        (folder / UNFINISHED).unlink(missing_ok=True)
    return Pushed(
        open_review(folder),
        filled.pages,
        len(drawn),
        filled.sent,
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


def _check_workspace(server: Server, name: str, people: People) -> str | None:
    """The workspace's id if it is there, and BadInput where it or its people cannot be made."""
    found = find_workspace(server, name)
    if found is None and server.role != "owner":
        raise BadInput(
            f"{server.url}: {server.user} ({server.role}) is in no workspace {name!r}; an owner "
            "may make it"
        )
    workspace_id = found["id"] if found else None
    missing_people(server, workspace_id, people)
    return workspace_id


def _begun(folder: Path, facts: Mapping[str, Any]) -> str | None:
    """FACTS or UNFINISHED where this push was there before, and BadInput where another was."""
    for name in (FACTS, UNFINISHED):
        if not (folder / name).exists():
            continue
        if differing := _differing(read_facts(folder / name), facts):
            raise BadInput(
                f"{folder} is a review pushed with another {', '.join(differing)}; --out makes a "
                "new one beside it"
            )
        return name
    return None


def _differing(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """The keys in which two reviews differ, with what is there. Where the source lies may."""
    found = [
        f"{key} ({there[key]!r})"
        for key in there
        if key not in ("source", "datasets") and there[key] != wanted[key]
    ]
    # That of the calibration set follows from it.
    if there["datasets"]["sample"] != wanted["datasets"]["sample"]:
        found.append(f"dataset ({there['datasets']['sample']!r})")
    same = there["source"]["digest"] == wanted["source"]["digest"]
    return found if same else [*found, f"source ({there['source']['name']!r})"]


def _drawn(
    folder: Path,
    source: Source,
    facts: Mapping[str, Any],
    begun: str | None,
    progress: Progress | None,
) -> list[dict[str, Any]]:
    """The rows that an earlier push has drawn, or those that this one draws."""
    path = folder / "drawn.parquet"
    if begun and path.exists():
        return read_rows(path, DRAWN)

    def rows() -> Iterator[dict[str, Any]]:
        for number, row in enumerate(source.rows(), start=1):
            yield row
            if progress and number % _TOLD_EVERY == 0:
                progress("drawing", number)

    asked = ("strategy", "seed", "sample", "calibration", "assisted")
    design = Design(facts["name"], source.digest, **{name: facts[name] for name in asked})
    return draw(rows, design)


def _notes(facts: Mapping[str, Any], drawn: list[dict[str, Any]], annotators: int) -> Iterator[str]:
    """What the user should know, and need do nothing about."""
    sampled = sum(not row["calibration"] for row in drawn)
    if sampled < facts["sample"]:
        yield f"--sample {facts['sample']}: there are {sampled:,} rows to draw, and all are"
    if annotators == 0:
        yield f"nobody is an annotator in the workspace {facts['workspace']!r} yet"
    elif annotators < facts["overlap"]:
        yield (
            f"--overlap {facts['overlap']}: no record is complete before the workspace has that "
            f"many annotators; it has {annotators}"
        )

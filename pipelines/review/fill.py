"""Creating a review's datasets on the server, and sending the records that are missing there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from builders.errors import BadInput
from builders.progress import Progress
from builders.review.folder import FACTS, ReviewFacts
from builders.review.record import records
from builders.review.source import SHOWN, ReviewedSource
from builders.rows import Row
from pipelines.review.dataset import (
    PAGE,
    annotation_page,
    check_dataset,
    create_dataset,
    find_dataset,
    has_earlier_page,
    question_ids,
    settings,
)
from pipelines.review.escape import guarded
from pipelines.review.records import external_ids, upload
from pipelines.review.server import Server

if TYPE_CHECKING:
    from argilla import Settings


@dataclass(frozen=True)
class FillResult:
    """How many records were sent, and the address where annotators answer, by dataset."""

    sent: int
    pages: dict[str, str]


def check_datasets(
    server: Server,
    facts: ReviewFacts,
    workspace_id: str,
    drawn: Sequence[Row],
    started: str | None,
) -> None:
    """BadInput if a dataset with a name of this review exists and belongs to something else.

    `started` is FACTS or UNFINISHED if an earlier push of this review left that file.
    """
    for is_calibration, name in _dataset_names(facts):
        dataset = find_dataset(server, workspace_id, name)
        if dataset is None:
            continue
        if dataset["status"] != "ready":
            if not started:
                raise BadInput(
                    f"{server.url}: an unpublished dataset {name!r} exists; use another name with "
                    "--dataset"
                )
            continue
        check_dataset(server, dataset, _settings(server, facts, is_calibration, 1))
        ours = {row["record"] for row in drawn if row["calibration"] == is_calibration}
        is_earlier = has_earlier_page(server, dataset["id"])
        if started == FACTS and not is_earlier:
            continue
        theirs = external_ids(server, dataset["id"])
        if started != FACTS and theirs - ours:
            raise BadInput(
                f"{server.url}: the dataset {name!r} exists and has records of another review; use "
                "another name with --dataset"
            )
        if is_earlier and (missing := len(ours - theirs)):
            raise BadInput(
                f"{server.url}: the dataset {name!r} was pushed by an earlier version, with other "
                f"pages, and lacks {missing:,} of {len(ours):,} records; delete it in Argilla, and "
                "the same command creates it again"
            )


def fill(
    server: Server,
    source: ReviewedSource,
    facts: ReviewFacts,
    workspace_id: str,
    drawn: Sequence[Row],
    annotators: int,
    progress: Progress | None = None,
) -> FillResult:
    """Create the datasets that do not exist yet, and send the records that they lack.

    A calibration record is complete when all `annotators` have answered it, including those who
    joined after the last push. `progress` is called with "uploading" and the number of records that
    are on the server.
    """
    done, sent, pages = 0, 0, {}
    for is_calibration, name in _dataset_names(facts):
        wanted = _settings(server, facts, is_calibration, annotators)
        dataset = _find_published(server, workspace_id, name)
        if dataset is None:
            dataset_id = create_dataset(server, facts.workspace, name, wanted)
        else:
            dataset_id = dataset["id"]
            if is_calibration:
                _require_everyone(server, dataset, annotators)
        existing = external_ids(server, dataset_id)
        rows = [row for row in drawn if row["calibration"] == is_calibration]
        missing = [row for row in rows if row["record"] not in existing]
        done += len(rows) - len(missing)
        if missing:
            questions = question_ids(server, dataset_id)
            shown = records(source.rows(facts.rows, SHOWN), missing, assisted=facts.assisted)
            items = (as_sent(record, questions, assisted=facts.assisted) for record in shown)
            upload(server, dataset_id, items, partial(_report, progress, done))
        done += len(missing)
        sent += len(missing)
        _report(progress, done, 0)
        pages[name] = annotation_page(server.url, dataset_id)
    return FillResult(sent, pages)


def _report(progress: Progress | None, before: int, count: int) -> None:
    if progress:
        progress("uploading", before + count)


def _dataset_names(facts: ReviewFacts) -> Iterator[tuple[bool, str]]:
    """Whether it is for calibration, and the name, of each dataset."""
    if facts.datasets.calibration:
        yield True, facts.datasets.calibration
    yield False, facts.datasets.sample


def _settings(
    server: Server, facts: ReviewFacts, is_calibration: bool, annotators: int
) -> "Settings":
    return settings(
        server,
        min_submitted=max(1, annotators) if is_calibration else facts.overlap,
        calibration=is_calibration,
        assisted=facts.assisted,
        answers_only=facts.source.kind == "evaluation",
    )


def _find_published(server: Server, workspace_id: str, name: str) -> dict[str, Any] | None:
    """The dataset, if it exists; one that was never published is deleted."""
    dataset = find_dataset(server, workspace_id, name)
    if dataset is None or dataset["status"] == "ready":
        return dataset
    # Ours, as `check_datasets` found: its creation was interrupted, so it has no records.
    server.request("DELETE", f"datasets/{dataset['id']}")
    return None


def _require_everyone(server: Server, dataset: Mapping[str, Any], annotators: int) -> None:
    if dataset["distribution"]["min_submitted"] < annotators:
        distribution = {"strategy": "overlap", "min_submitted": annotators}
        server.request("PATCH", f"datasets/{dataset['id']}", body={"distribution": distribution})


def as_sent(record: Mapping[str, Any], question_ids: Mapping[str, str], *, assisted: bool) -> Row:
    """A record in the form that the server's REST API takes; `page/frame.js` reads its field."""
    answers = {name: record["fields"][name] for name in ("answer_a", "answer_b", "critique")}
    return {
        "external_id": record["id"],
        "fields": {PAGE: guarded({**record["context"], **answers, "is_open": assisted})},
        "suggestions": [
            {
                "question_id": question_ids[name],
                "value": guarded(value),
                "agent": "model",
                "type": "model",
            }
            for name, value in record["suggestions"].items()
        ],
    }

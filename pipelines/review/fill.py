"""The datasets of a review: whether they can be on the server, and what they lack there."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builders.errors import BadInput
from builders.review.folder import FACTS
from builders.review.plan import records
from builders.review.source import SHOWN, Source
from pipelines.review.dataset import (
    check_dataset,
    find_dataset,
    make_dataset,
    page_of,
    question_ids,
    settings,
)
from pipelines.review.page import as_shown
from pipelines.review.records import external_ids, upload
from pipelines.review.server import Server

if TYPE_CHECKING:
    from argilla import Settings

# Called with the stage and what is done of it: rows read for "drawing", records for "uploading".
Progress = Callable[[str, int], None]
Facts = Mapping[str, Any]
Drawn = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Filled:
    """How many records were not there, and where annotators answer, by dataset."""

    sent: int
    pages: dict[str, str]


def check_datasets(
    server: Server, facts: Facts, workspace_id: str, drawn: Drawn, begun: str | None
) -> None:
    """BadInput where a dataset of a name is there and is not this review's.

    `begun` is FACTS or UNFINISHED where an earlier push has left it.
    """
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
        ours = {row["record"] for row in drawn if row["calibration"] == calibration}
        if begun != FACTS and external_ids(server, dataset["id"]) - ours:
            raise BadInput(
                f"{server.url}: the dataset {name!r} is there, with records of another review; "
                "--dataset names another"
            )


def fill(
    server: Server,
    source: Source,
    facts: Facts,
    workspace_id: str,
    drawn: Drawn,
    annotators: int,
    progress: Progress | None = None,
) -> Filled:
    """Make the datasets that are not there, and send the records that are not there.

    The calibration set asks every one of `annotators`, those too who came since the last push.
    """
    done, sent, pages = 0, 0, {}
    for calibration, name in _names(facts):
        wanted = _settings(server, facts, calibration, annotators)
        dataset = _published(server, workspace_id, name)
        dataset_id = (
            dataset["id"] if dataset else make_dataset(server, facts["workspace"], name, wanted)
        )
        if dataset and calibration:
            _ask_of_all(server, dataset, annotators)
        there = external_ids(server, dataset_id)
        rows = [row for row in drawn if row["calibration"] == calibration]
        missing = [row for row in rows if row["record"] not in there]
        done += len(rows) - len(missing)
        if missing:
            _send(server, source, facts, dataset_id, missing, _after(done, progress))
        done += len(missing)
        sent += len(missing)
        if progress:
            progress("uploading", done)
        pages[name] = page_of(server.url, dataset_id)
    return Filled(sent, pages)


def _names(facts: Facts) -> Iterator[tuple[bool, str]]:
    """Whether it is for calibration, and its name, of each dataset."""
    for part in ("calibration", "sample"):
        if name := facts["datasets"][part]:
            yield part == "calibration", name


def _settings(server: Server, facts: Facts, calibration: bool, annotators: int) -> "Settings":
    wanted = max(1, annotators) if calibration else facts["overlap"]
    return settings(
        server, min_submitted=wanted, calibration=calibration, assisted=facts["assisted"]
    )


def _published(server: Server, workspace_id: str, name: str) -> dict[str, Any] | None:
    """The dataset, if it is there. One that is not published goes."""
    found = find_dataset(server, workspace_id, name)
    if found is None or found["status"] == "ready":
        return found
    # Ours, as `check_datasets` has seen: cut off while it was made, and so without a record.
    server.ask("DELETE", f"datasets/{found['id']}")
    return None


def _ask_of_all(server: Server, dataset: Mapping[str, Any], annotators: int) -> None:
    if dataset["distribution"]["min_submitted"] < annotators:
        more = {"distribution": {"strategy": "overlap", "min_submitted": annotators}}
        server.ask("PATCH", f"datasets/{dataset['id']}", body=more)


def _send(
    server: Server,
    source: Source,
    facts: Facts,
    dataset_id: str,
    rows: Drawn,
    said: Callable[[int], None],
) -> None:
    asked = question_ids(server, dataset_id)
    made = records(source.rows(SHOWN), rows, assisted=facts["assisted"])
    upload(server, dataset_id, _as_sent(made, asked), said)


def _as_sent(
    made: Iterable[Mapping[str, Any]], asked: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Records as the server takes them; `asked` are its questions' ids."""
    for record in made:
        yield {
            "external_id": record["id"],
            "fields": {name: as_shown(text) for name, text in record["fields"].items()},
            "metadata": record["metadata"],
            "suggestions": [
                {"question_id": asked[name], "value": value, "agent": "model", "type": "model"}
                for name, value in record["suggestions"].items()
            ],
        }


def _after(done: int, progress: Progress | None) -> Callable[[int], None]:
    """Tells `progress` of records on top of those that are done."""
    return lambda count: progress("uploading", done + count) if progress else None

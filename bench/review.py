"""The time to put a review's records into Argilla and to read them back: ours and its client.

    python -m bench.review --records 10000

Both use the same server, the embedded one unless `--url` (with ARGILLA_API_KEY) names another, and
each has its own dataset with the same page and questions. The client writes with
`dataset.records.log` and reads back with `dataset.records(with_responses=True).to_datasets()`. In
between, three people answer every tenth record. Each measurement runs in its own process, at a
quarter of the records and at all of them, to see how memory grows.

The targets are in records a second on two cores, with the server on the same machine. Beside the
client there is none for a push: a record is one field, and most of the time is the server's.
"""

import json
import os
import random
import secrets
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

from bench.common import in_child, options, show, verdict
from pipelines.review.dataset import PAGE
from pipelines.review.fill import as_sent
from pipelines.review.page import template
from pipelines.review.records import download, upload
from pipelines.review.server import Server, connect
from services.argilla.launch import running_argilla
from services.model.embedded import cache_dir

# Records a second, at least.
_PUSH, _PULL = 500, 1200
# Memory of our process at all records, relative to a quarter of them, at most.
_MAX_GROWTH = 1.2
_WORKSPACE = "bench"
# Words of each text.
_TEXTS = {"instruction": 40, "answer_a": 180, "answer_b": 220, "critique": 150}
_CONTEXT = {"system": None, "history": [], "criteria": None}
_PEOPLE, _ANSWERED = 3, 10
_BULK = 500


@cache
def words() -> list[str]:
    """The words of all texts, drawn once, so that the bench does not measure their generation."""
    from bench.publish import Prose  # slow to import

    return Prose()(random.Random(0), 5000).split()


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Records in the format of the REST API, each with about 4 kB of text, generated lazily."""
    for number in range(count):
        draw = random.Random(number)
        texts = {}
        for name, length in _TEXTS.items():
            start = draw.randrange(len(words()) - length)
            texts[name] = f"{number}: {' '.join(words()[start : start + length])}"
        instruction = texts.pop("instruction")
        record = {
            "id": f"{number:08d}",
            "context": {**_CONTEXT, "instruction": instruction},
            "fields": texts,
            "suggestions": {},
        }
        yield as_sent(record, {}, assisted=False)


def make_dataset(server: Server, name: str) -> str:
    """Create a published dataset in the bench's workspace; returns its id."""
    import argilla as rg

    settings = rg.Settings(
        fields=[rg.CustomField(PAGE, template=template(), advanced_mode=True)],
        questions=[
            rg.LabelQuestion("better", labels=["A", "B", "tie"]),
            rg.RatingQuestion("score_a", values=list(range(1, 11))),
            rg.TextQuestion("corrected_critique", required=False),
        ],
        distribution=rg.TaskDistribution(min_submitted=_PEOPLE),
    )
    if _WORKSPACE not in {workspace.name for workspace in server.client.workspaces}:
        rg.Workspace(_WORKSPACE, client=server.client).create()
    dataset = rg.Dataset(name, workspace=_WORKSPACE, settings=settings, client=server.client)
    return str(dataset.create().id)


def make_people(server: Server) -> list[str]:
    """Create three annotators; returns their ids."""
    import argilla as rg

    names = [f"bench-{secrets.token_hex(6)}" for _ in range(_PEOPLE)]
    users = [
        rg.User(name, password=name, role="annotator", client=server.client).create()
        for name in names
    ]
    return [str(user.id) for user in users]


def answer(server: Server, dataset: str, count: int, people: list[str]) -> int:
    """Each person answers every tenth record; returns the number of responses."""
    values = {"better": {"value": "A"}, "score_a": {"value": 7}}
    responses = [{"user_id": person, "status": "submitted", "values": values} for person in people]
    numbers = range(0, count, _ANSWERED)
    for start in range(0, len(numbers), _BULK):
        items = [
            {"external_id": f"{number:08d}", "responses": responses}
            for number in numbers[start : start + _BULK]
        ]
        server.request("PUT", f"datasets/{dataset}/records/bulk", body={"items": items})
    return len(numbers) * len(people)


def ours(server: Server, what: dict[str, Any]) -> Callable[[], int]:
    """The function to time, which returns the number of records sent or responses received."""
    dataset, count = what["dataset"], what["count"]
    if what["do"] == "push":
        return lambda: upload(server, dataset, rows(count)).sent
    return lambda: sum(len(record.responses) for record in download(server, dataset))


def stock(server: Server, what: dict[str, Any]) -> Callable[[], int]:
    """The same with the client."""
    import argilla as rg

    # A new client, because that of `server` requests uncompressed responses.
    client = rg.Argilla(api_url=server.url, api_key=os.environ["ARGILLA_API_KEY"])
    # By name, because a dataset looked up by id has no settings.
    name = client.datasets(id=what["dataset"]).name
    dataset = client.datasets(name, workspace=_WORKSPACE)

    def push() -> int:
        records = [
            rg.Record(id=row["external_id"], fields=row["fields"]) for row in rows(what["count"])
        ]
        dataset.records.log(records)
        return len(records)

    def pull() -> int:
        table = dataset.records(with_responses=True).to_datasets()
        return sum(len(responses or ()) for responses in table["score_a.responses"])

    return push if what["do"] == "push" else pull


def one(what: dict[str, Any]) -> dict[str, Any]:
    """Seconds of a push or a pull, without imports and sign-in, and its count."""
    warnings.simplefilter("ignore")
    work = (ours if what["way"] == "ours" else stock)(connect(), what)
    if what["do"] == "push":
        words()
    began = time.perf_counter()
    counted = work()
    return {"seconds": time.perf_counter() - began, "counted": counted}


def both_ways(server: Server, count: int, people: list[str]) -> list[list[Any]]:
    """A row of the table for each way, at this number of records."""
    lines = []
    for way in ("ours", "the client"):
        dataset = make_dataset(server, f"{count}-{secrets.token_hex(4)}")
        what = {"way": way, "dataset": dataset, "count": count}
        pushed = in_child("bench.review", {**what, "do": "push"}, timeout=3600)
        responses = answer(server, dataset, count, people)
        pulled = in_child("bench.review", {**what, "do": "pull"}, timeout=3600)
        counts = (pushed.facts["counted"], pulled.facts["counted"])
        if counts != (count, responses):
            raise RuntimeError(f"{way}: {counts} records and responses, not {(count, responses)}")
        print(f"measured {way} at {count:,} records", file=sys.stderr)
        seconds = (pushed.facts["seconds"], pulled.facts["seconds"])
        lines.append([way, count, *seconds, pushed.peak / 1e6, pulled.peak / 1e6])
    return lines


@contextmanager
def _server(url: str | None) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        embedded = nullcontext() if url else running_argilla(Path(folder), cache_dir())
        with embedded as running:
            # The child processes read it from the environment, too.
            os.environ.update(running.env if running else {"ARGILLA_API_URL": url})
            yield connect()


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--url", help="URL of the Argilla to measure; ARGILLA_API_KEY has the key")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(one(json.loads(arguments.one))))
        return
    sizes = (40,) if arguments.smoke else (arguments.records // 4, arguments.records)
    with _server(arguments.url) as server:
        people = make_people(server)
        lines = [line for size in sizes for line in both_ways(server, size, people)]
    header = ["", "records", "push, s", "pull, s", "push, MB", "pull, MB"]
    show("Records to Argilla, and back with their responses", header, lines)
    few, (mine, theirs) = lines[0], lines[-2:]
    pushed, pulled = theirs[2] / mine[2], theirs[3] / mine[3]
    print(f"\nas fast as the client: push {pushed:.2f} times, pull {pulled:.2f} times")
    for name, seconds, least in (("push", mine[2], _PUSH), ("pull", mine[3], _PULL)):
        rate = mine[1] / seconds
        verdict(f"{name}, records a second", rate, f">= {least:,}", rate >= least)
    grown = max(mine[4] / few[4], mine[5] / few[5])
    verdict(
        "memory, relative to a quarter of the records",
        grown,
        f"<= {_MAX_GROWTH}",
        grown <= _MAX_GROWTH,
    )


if __name__ == "__main__":
    main()

"""What a review's records cost to put into Argilla and to read back: ours against its own client.

    python -m bench.review --records 10000

Both talk to one server, the embedded one unless `--url` (with ARGILLA_API_KEY) names another, and
each has a dataset of its own with the same fields, questions and metadata. The client logs with
`dataset.records.log` and reads back with `dataset.records(with_responses=True).to_datasets()`. In
between, three people have answered every tenth record. Each measurement is a process of its own,
at a quarter of the records and at all of them: what grows with their number shows in the memory.
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
from pipelines.embedded import cache_dir
from pipelines.review.records import download, upload
from pipelines.review.server import Server, connect
from services.argilla.launch import running_argilla

_TWICE = 2.0
# At all records, what our process may have at most of what it had at a quarter of them.
_BOUNDED = 1.2
_WORKSPACE = "bench"
_FIELDS = {"instruction": 40, "answer_a": 180, "answer_b": 220, "critique": 150}
_PEOPLE, _ANSWERED = 3, 10
_BULK = 500


@cache
def words() -> list[str]:
    """What all texts are cut from: drawn once, so that what is measured is not the making."""
    from bench.publish import Prose  # which is slow to import

    return Prose()(random.Random(0), 5000).split()


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Records as REST has them, some 4 kB of text each, made as they are taken."""
    for number in range(count):
        draw = random.Random(number)
        fields = {}
        for name, length in _FIELDS.items():
            start = draw.randrange(len(words()) - length)
            fields[name] = f"{number}: {' '.join(words()[start : start + length])}"
        metadata = {
            "source": f"source {number % 7}",
            "score_bin": number % 10,
            "margin": number / 7,
        }
        yield {"external_id": f"{number:08d}", "fields": fields, "metadata": metadata}


def make_dataset(server: Server, name: str) -> str:
    """A published dataset in the bench's workspace; its id."""
    import argilla as rg

    hidden = {"visible_for_annotators": False}
    settings = rg.Settings(
        fields=[rg.TextField(field, use_markdown=False) for field in _FIELDS],
        questions=[
            rg.LabelQuestion("better", labels=["A", "B", "tie"]),
            rg.RatingQuestion("score_a", values=list(range(1, 11))),
            rg.TextQuestion("corrected_critique", required=False),
        ],
        metadata=[
            rg.TermsMetadataProperty("source", **hidden),
            rg.IntegerMetadataProperty("score_bin", **hidden),
            rg.FloatMetadataProperty("margin", **hidden),
        ],
        distribution=rg.TaskDistribution(min_submitted=_PEOPLE),
    )
    if _WORKSPACE not in {workspace.name for workspace in server.client.workspaces}:
        rg.Workspace(_WORKSPACE, client=server.client).create()
    dataset = rg.Dataset(name, workspace=_WORKSPACE, settings=settings, client=server.client)
    return str(dataset.create().id)


def make_people(server: Server) -> list[str]:
    """The ids of three new annotators."""
    import argilla as rg

    names = [f"bench-{secrets.token_hex(6)}" for _ in range(_PEOPLE)]
    made = [
        rg.User(name, password=name, role="annotator", client=server.client).create()
        for name in names
    ]
    return [str(user.id) for user in made]


def answer(server: Server, dataset: str, count: int, people: list[str]) -> int:
    """Everybody answers every tenth record; how many responses that makes."""
    values = {"better": {"value": "A"}, "score_a": {"value": 7}}
    responses = [{"user_id": person, "status": "submitted", "values": values} for person in people]
    numbers = range(0, count, _ANSWERED)
    for start in range(0, len(numbers), _BULK):
        items = [
            {"external_id": f"{number:08d}", "responses": responses}
            for number in numbers[start : start + _BULK]
        ]
        server.ask("PUT", f"datasets/{dataset}/records/bulk", body={"items": items})
    return len(numbers) * len(people)


def ours(server: Server, what: dict[str, Any]) -> Callable[[], int]:
    """What is to be timed; how many records went or responses came."""
    dataset, count = what["dataset"], what["count"]
    if what["do"] == "push":
        return lambda: upload(server, dataset, rows(count)).sent
    return lambda: sum(len(record.responses) for record in download(server, dataset))


def stock(server: Server, what: dict[str, Any]) -> Callable[[], int]:
    """The same with the client."""
    import argilla as rg

    # Not the client of `server`: that one asks for answers as they are, uncompressed.
    client = rg.Argilla(api_url=server.url, api_key=os.environ["ARGILLA_API_KEY"])
    # By name: what it finds by id has no settings.
    name = client.datasets(id=what["dataset"]).name
    dataset = client.datasets(name, workspace=_WORKSPACE)

    def push() -> int:
        records = [
            rg.Record(id=row["external_id"], fields=row["fields"], metadata=row["metadata"])
            for row in rows(what["count"])
        ]
        dataset.records.log(records)
        return len(records)

    def pull() -> int:
        found = dataset.records(with_responses=True).to_datasets()
        return sum(len(given or ()) for given in found["score_a.responses"])

    return push if what["do"] == "push" else pull


def one(what: dict[str, Any]) -> dict[str, Any]:
    """Seconds of a push or a pull without imports and sign-in, and what it counted."""
    warnings.simplefilter("ignore")
    work = (ours if what["way"] == "ours" else stock)(connect(), what)
    if what["do"] == "push":
        words()
    begun = time.perf_counter()
    counted = work()
    return {"seconds": time.perf_counter() - begun, "counted": counted}


def both_ways(server: Server, count: int, people: list[str]) -> list[list[Any]]:
    """A line of the table for each way, at this number of records."""
    lines = []
    for way in ("ours", "the client"):
        dataset = make_dataset(server, f"{count}-{secrets.token_hex(4)}")
        what = {"way": way, "dataset": dataset, "count": count}
        pushed = in_child("bench.review", {**what, "do": "push"}, timeout=3600)
        given = answer(server, dataset, count, people)
        pulled = in_child("bench.review", {**what, "do": "pull"}, timeout=3600)
        found = (pushed.facts["counted"], pulled.facts["counted"])
        if found != (count, given):
            raise RuntimeError(f"{way}: {found} records and responses, not {(count, given)}")
        print(f"measured {way} at {count:,} records", file=sys.stderr)
        seconds = (pushed.facts["seconds"], pulled.facts["seconds"])
        lines.append([way, count, *seconds, pushed.peak / 1e6, pulled.peak / 1e6])
    return lines


@contextmanager
def _server(url: str | None) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        embedded = nullcontext() if url else running_argilla(Path(folder), cache_dir())
        with embedded as running:
            # The children read the environment too.
            os.environ.update(running.env if running else {"ARGILLA_API_URL": url})
            yield connect()


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--url", help="of an Argilla to measure; ARGILLA_API_KEY has the key")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(json.loads(given.one))))
        return
    parts = (40,) if given.smoke else (given.records // 4, given.records)
    with _server(given.url) as server:
        people = make_people(server)
        lines = [line for part in parts for line in both_ways(server, part, people)]
    header = ["", "records", "push, s", "pull, s", "push, MB", "pull, MB"]
    show("Records into Argilla, and back with their responses", header, lines)
    few, (mine, theirs) = lines[0], lines[-2:]
    pushed, pulled = theirs[2] / mine[2], theirs[3] / mine[3]
    print(f"\npull: {pulled:.1f} times as fast as the client")
    verdict("push, times as fast as the client", pushed, f">= {_TWICE}", pushed >= _TWICE)
    grown = max(mine[4] / few[4], mine[5] / few[5])
    verdict("memory, against a quarter of it", grown, f"<= {_BOUNDED}", grown <= _BOUNDED)


if __name__ == "__main__":
    main()

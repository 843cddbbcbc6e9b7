"""The unmodified Argilla client and bare HTTP against the server with the SQL search engine."""

import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import argilla as rg
import pytest

from tests.argilla import ask, submit

pytestmark = pytest.mark.xdist_group("argilla")

# id, text, metadata (source, bin, margin), suggested score, its certainty, vector
ROWS = [
    ("r0", "The quick brown fox", ("web", 1, 0.5), 3, 0.9, [1.0, 0.0]),
    ("r1", "A quick red hen jumps", ("web", 2, -1.5), 7, 0.2, [0.0, 1.0]),
    ("r2", "Crème brûlée for the fox's den", ("book", 3, 2.0), None, None, [-1.0, 0.0]),
    ("r3", "<script>alert('x')</script> self-refinement", ("book", 2, None), 1, 0.5, [0.7, 0.7]),
    ("r4", "自己改善の手法 🦊 مرحبا بالعالم", (None, None, 0.0), None, None, [0.0, -1.0]),
    ("r5", "brown quick foxglove", ("web", 5, 1.0), 10, 0.7, [0.9, 0.1]),
]


@pytest.fixture(scope="module")
def client(argilla_server):
    return rg.Argilla(api_url=argilla_server.url, api_key=argilla_server.api_key)


@pytest.fixture(scope="module")
def people(client):
    """Three annotators of a workspace: their names to their API keys."""
    workspace = rg.Workspace("engine", client=client).create()
    keys = {}
    for name in ("ann", "ben", "cem"):
        user = rg.User(
            username=f"engine-{name}", password=f"{name}-password", role="annotator", client=client
        )
        user.create()
        user.add_to_workspace(workspace)
        told = ask(client.api_url, client.api_key, "GET", f"users/{user.id}")
        keys[name] = told.json()["api_key"]
    return keys


def make_dataset(client, name, min_submitted=2):
    settings = rg.Settings(
        guidelines="Read, then answer.",
        fields=[rg.TextField("text"), rg.ChatField("chat", required=False)],
        questions=[
            rg.RatingQuestion("score", values=list(range(1, 11))),
            rg.LabelQuestion("better", labels=["A", "B", "tie"], required=False),
            rg.MultiLabelQuestion("faults", labels=["wrong", "long", "rude"], required=False),
        ],
        metadata=[
            rg.TermsMetadataProperty("source"),
            rg.IntegerMetadataProperty("bin"),
            rg.FloatMetadataProperty("margin"),
        ],
        vectors=[rg.VectorField("v", dimensions=2)],
        distribution=rg.TaskDistribution(min_submitted=min_submitted),
    )
    dataset = rg.Dataset(name, workspace="engine", settings=settings, client=client)
    return dataset.create()


def record_of(row):
    name, text, metadata, score, certainty, vector = row
    named = zip(("source", "bin", "margin"), metadata, strict=True)
    chat = [{"role": "user", "content": f"asked about {name}"}]
    return rg.Record(
        id=name,
        fields={"text": text, "chat": chat},
        metadata={key: value for key, value in named if value is not None},
        suggestions=[rg.Suggestion("score", score, score=certainty, agent="critic")]
        if score
        else [],
        vectors={"v": vector},
    )


@pytest.fixture(scope="module")
def reviewed(argilla_server, client, people):
    """ROWS in a dataset, some of them answered."""
    dataset = make_dataset(client, "reviewed")
    dataset.records.log([record_of(row) for row in ROWS])
    ids = {record.id: str(record._server_id) for record in dataset.records}
    answers = [
        ("ann", "r0", {"score": 2, "better": "A", "faults": ["wrong", "long"]}, "submitted"),
        ("ben", "r0", {"score": 8, "better": "B"}, "submitted"),
        ("ann", "r1", {"score": 9, "better": "tie"}, "submitted"),
        ("ben", "r1", {"score": 4}, "draft"),
        ("cem", "r2", None, "discarded"),
    ]
    for name, record, values, status in answers:
        submit(argilla_server.url, people[name], ids[record], values, status)
    return SimpleNamespace(dataset=dataset, ids=ids, url=argilla_server.url, people=people)


def found(reviewed, *, query=None, filters=None):
    asked = rg.Query(query=query, filter=rg.Filter(filters) if filters else None)
    # The client cannot read a response that was discarded without values.
    return {record.id for record in reviewed.dataset.records(query=asked, with_responses=False)}


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        ([("metadata.source", "==", "web")], "r0 r1 r5"),
        ([("metadata.source", "in", ["web", "book"]), ("metadata.bin", ">=", 2)], "r1 r2 r3 r5"),
        ([("metadata.bin", "==", 2)], "r1 r3"),
        ([("metadata.margin", "<=", 0)], "r1 r4"),
        ([("metadata.margin", ">=", 0.5), ("metadata.margin", "<=", 1)], "r0 r5"),
        ([("status", "==", "completed")], "r0"),
        ([("status", "==", "pending")], "r1 r2 r3 r4 r5"),
        ([("id", "in", ["r2", "r4", "no such"])], "r2 r4"),
        ([("inserted_at", ">=", "2020-01-01T00:00:00+02:00")], "r0 r1 r2 r3 r4 r5"),
        ([("inserted_at", "<=", "2020-01-01T00:00:00")], ""),
        ([("score.suggestion", ">=", 7)], "r1 r5"),
        ([("score.score", "<=", 0.5)], "r1 r3"),
        ([("score.agent", "==", "critic")], "r0 r1 r3 r5"),
        ([("score.response", ">=", 8)], "r0 r1"),
        ([("better.response", "in", ["B", "tie"])], "r0 r1"),
        ([("faults.response", "==", "long")], "r0"),
        ([("response.status", "==", "draft")], "r1"),
        ([("response.status", "==", "discarded")], "r2"),
        ([("response.status", "==", "pending")], "r3 r4 r5"),
        ([("response.status", "in", ["pending", "discarded"])], "r2 r3 r4 r5"),
    ],
)
def test_filters(reviewed, filters, rows):
    assert found(reviewed, filters=filters) == set(rows.split())


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("QUICK", "r0 r1 r5"),
        ("quick brown", "r0 r5"),
        ('"quick brown"', "r0"),
        ("fox", "r0 r2"),
        ("fox*", "r0 r2 r5"),
        ("hen | den", "r1 r2"),
        ("quick -brown", "r1"),
        ("-quick", "r2 r3 r4"),
        ("(hen | fox) quick", "r0 r1"),
        ("brûlée", "r2"),
        ("brulee", ""),
        ("self-refinement", "r3"),
        ("<script>", "r3"),
        ("改善", "r4"),
        ("🦊", "r4"),
        ("مرحبا", "r4"),
        ("asked", "r0 r1 r2 r3 r4 r5"),
        ("about r3", "r3"),
        ("'; DROP TABLE records; --", ""),
        ("()", ""),
    ],
)
def test_text_search(reviewed, query, rows):
    assert found(reviewed, query=query) == set(rows.split())


def search(reviewed, key, body, me=False, **params):
    path = f"{'me/' if me else ''}datasets/{reviewed.dataset.id}/records/search"
    answer = ask(reviewed.url, key, "POST", path, json=body, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def rows_of(result):
    return [item["record"]["external_id"] for item in result["items"]]


def test_a_search_in_one_field_and_its_scores(reviewed, client):
    body = {"query": {"text": {"q": "asked | fox", "field": "text"}}}
    result = search(reviewed, client.api_key, body)
    assert set(rows_of(result)) == {"r0", "r2"}
    scores = [item["query_score"] for item in result["items"]]
    assert result["total"] == 2
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("scope", "order", "rows"),
    [
        ({"entity": "record", "property": "external_id"}, "desc", "r5 r4 r3 r2 r1 r0"),
        ({"entity": "metadata", "metadata_property": "margin"}, "asc", "r1 r4 r0 r5 r2 r3"),
        ({"entity": "metadata", "metadata_property": "margin"}, "desc", "r2 r5 r0 r4 r1 r3"),
        ({"entity": "suggestion", "question": "score"}, "desc", "r5 r1 r0 r3 r2 r4"),
        ({"entity": "suggestion", "question": "score", "property": "score"}, "asc",
         "r1 r3 r5 r0 r2 r4"),
        # The means of 2 and 8, and of 9 and the draft's 4.
        ({"entity": "response", "question": "score"}, "desc", "r1 r0 r2 r3 r4 r5"),
    ],
)  # fmt: skip
def test_sorting_puts_missing_values_last(reviewed, client, scope, order, rows):
    body = {"sort": [{"scope": scope, "order": order}]}
    assert rows_of(search(reviewed, client.api_key, body)) == rows.split()
    paged = [
        row
        for offset in (0, 2, 4)
        for row in rows_of(search(reviewed, client.api_key, body, limit=2, offset=offset))
    ]
    assert paged == rows.split()


def test_each_annotator_has_a_different_order(reviewed):
    orders = {}
    for name, key in reviewed.people.items():
        first, again = (rows_of(search(reviewed, key, {}, me=True)) for _ in range(2))
        assert first == again
        assert set(first) == {row[0] for row in ROWS}
        orders[name] = tuple(first)
    assert len(set(orders.values())) > 1


def test_an_annotator_sees_what_is_left_to_do(reviewed):
    pending = {
        "type": "terms",
        "scope": {"entity": "response", "property": "status"},
        "values": ["pending"],
    }
    body = {"filters": {"and": [pending]}}
    for name, rows in {"ann": "r2 r3 r4 r5", "ben": "r2 r3 r4 r5", "cem": "r0 r1 r3 r4 r5"}.items():
        assert set(rows_of(search(reviewed, reviewed.people[name], body, me=True))) == set(
            rows.split()
        )


def test_progress_counts_records_and_each_users_responses(reviewed):
    progress = reviewed.dataset.progress(with_users_distribution=True)
    assert (progress["total"], progress["completed"], progress["pending"]) == (6, 1, 5)
    path = f"me/datasets/{reviewed.dataset.id}/metrics"
    expected = {"ann": (2, 0, 0, 4), "ben": (1, 1, 0, 4), "cem": (0, 0, 1, 5)}
    for name, counts in expected.items():
        told = ask(reviewed.url, reviewed.people[name], "GET", path).json()["responses"]
        kinds = ("submitted", "draft", "discarded", "pending")
        assert tuple(told[kind] for kind in kinds) == counts


def test_metadata_metrics(reviewed):
    told = {}
    for of_one in reviewed.dataset.settings.metadata:
        path = f"metadata-properties/{of_one.id}/metrics"
        told[of_one.name] = ask(reviewed.url, reviewed.people["ann"], "GET", path).json()
    terms = [{"term": "web", "count": 3}, {"term": "book", "count": 2}]
    assert told["source"] == {"type": "terms", "total": 5, "values": terms}
    assert (told["bin"]["min"], told["bin"]["max"]) == (1, 5)
    assert (told["margin"]["min"], told["margin"]["max"]) == (-1.5, 2.0)


def test_similar_records(reviewed):
    asked = rg.Query(similar=rg.Similar("v", [1.0, 0.0]))
    near = reviewed.dataset.records(query=asked, limit=3, with_responses=False)
    got = [(record.id, round(score, 6)) for record, score in near]
    # (1 + 0.9 / sqrt(0.82)) / 2 and (1 + 1 / sqrt(2)) / 2
    assert got == [("r0", 1.0), ("r5", 0.996942), ("r3", 0.853553)]


def test_search_sees_changed_and_deleted_records(reviewed, client, people):
    dataset = make_dataset(client, "changing")
    dataset.records.log([record_of(row) for row in ROWS[:3]])
    dataset.records.log([rg.Record(id="r0", fields={"text": "a slow tortoise"})])
    dataset.records.delete([record for record in dataset.records if record.id == "r1"])
    changing = SimpleNamespace(dataset=dataset)
    assert found(changing, query="quick") == set()
    assert found(changing, query="tortoise") == {"r0"}
    assert found(changing) == {"r0", "r2"}
    dataset.delete()


def test_concurrent_submissions(argilla_server, client, people):
    dataset = make_dataset(client, "busy", min_submitted=3)
    dataset.records.log([rg.Record(id=str(at), fields={"text": f"n {at}"}) for at in range(34)])
    work = [(key, str(record._server_id)) for record in dataset.records for key in people.values()]
    with ThreadPoolExecutor(16) as pool:
        answers = [
            pool.submit(submit, argilla_server.url, key, record, {"score": 5})
            for key, record in work
        ]
        assert len({answer.result() for answer in answers}) == 102
    assert dataset.progress()["completed"] == 34


def test_the_worker_runs_enqueued_jobs(argilla_server, client, people):
    dataset = make_dataset(client, "redistributed", min_submitted=1)
    dataset.records.log([record_of(row) for row in ROWS[:2]])
    for record in dataset.records:
        submit(argilla_server.url, people["ann"], str(record._server_id), {"score": 5})
    assert dataset.progress()["completed"] == 2
    changed = {"distribution": {"strategy": "overlap", "min_submitted": 2}}
    path = f"datasets/{dataset.id}"
    answer = ask(argilla_server.url, client.api_key, "PATCH", path, json=changed)
    assert answer.status_code == 200, answer.text
    deadline = time.monotonic() + 60
    while dataset.progress()["pending"] != 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)

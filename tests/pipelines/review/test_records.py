"""Uploading records and downloading responses on a real server, over connections that fail."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count

import argilla as rg
import pytest

from builders.errors import BadInput, RunFailed
from pipelines.review import records as records_module
from pipelines.review import server as server_module
from pipelines.review.records import UploadCounts, download, external_ids, state_mark, upload
from pipelines.review.server import connect
from tests.argilla import ask, submit
from tests.pipelines.hub.proxy import Proxy, at, nth
from tests.pipelines.review.gateway import Gateway

pytestmark = pytest.mark.xdist_group("argilla")

WORKSPACE = "records"
PUT, LIST = r"^PUT .*/records/bulk$", r"^GET .*/records\?"
_numbers = count()


@pytest.fixture(autouse=True)
def _settings(argilla_server, monkeypatch):
    """Batches and pages of a few records; no wait between attempts."""
    for name, value in argilla_server.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(server_module, "_WAITS_S", (0.0, 0.0, 0.0))
    monkeypatch.setattr(records_module, "_MAX_SENT", 4)
    monkeypatch.setattr(records_module, "_FIRST_PAGE", 4)
    monkeypatch.setattr(records_module, "_MAX_LISTED", 4)


@pytest.fixture
def server(_settings):
    return connect()


@pytest.fixture
def proxy(argilla_server):
    with Proxy(argilla_server.url) as running:
        yield running


@pytest.fixture(scope="module")
def people(argilla_server):
    """The API keys of two annotators of the workspace."""
    client = rg.Argilla(api_url=argilla_server.url, api_key=argilla_server.api_key)
    workspace = rg.Workspace(WORKSPACE, client=client).create()
    keys = []
    for name in ("records-ann", "records-ben"):
        user = rg.User(username=name, password=f"{name}-word", role="annotator", client=client)
        user.create().add_to_workspace(workspace)
        account = ask(argilla_server.url, argilla_server.api_key, "GET", f"users/{user.id}")
        keys.append(account.json()["api_key"])
    return keys


@pytest.fixture
def dataset(server, people):
    """A published dataset of the test's own."""
    settings = rg.Settings(
        fields=[rg.TextField("answer_a"), rg.TextField("answer_b", required=False)],
        questions=[
            rg.LabelQuestion("better", labels=["A", "B", "tie"]),
            rg.TextQuestion("why", required=False),
        ],
        metadata=[rg.TermsMetadataProperty("source"), rg.FloatMetadataProperty("margin")],
        distribution=rg.TaskDistribution(min_submitted=2),
    )
    name = f"records-{next(_numbers)}"
    return rg.Dataset(name, workspace=WORKSPACE, settings=settings, client=server.client).create()


def record(number, text="text"):
    return {
        "external_id": f"r{number:03d}",
        "fields": {"answer_a": f"{text} {number}", "answer_b": "b"},
        "metadata": {"source": f"s{number % 2}", "margin": number / 3},
    }


def stored(server, dataset):
    """The records on the server by external id; fails if one is repeated."""
    pages = server.request(
        "GET", f"datasets/{dataset.id}/records", limit=1000, include="responses,suggestions"
    )
    records = {each["external_id"]: each for each in pages["items"]}
    assert len(records) == pages["total"]
    return records


def parts(record):
    return {key: record[key] for key in ("external_id", "fields", "metadata")}


def test_what_is_there_is_not_sent_again(server, dataset):
    sent, progress = [record(number) for number in range(10)], []
    assert upload(server, str(dataset.id), sent, progress.append) == UploadCounts(10, 0)
    assert progress == [4, 8, 10]
    before = stored(server, dataset)
    assert [parts(each) for each in before.values()] == sent
    assert external_ids(server, str(dataset.id)) == set(before)
    # As the stock client reads them.
    read = {each.id: each for each in dataset.records(with_responses=False)}
    assert {key: each.fields["answer_a"] for key, each in read.items()} == {
        each["external_id"]: each["fields"]["answer_a"] for each in sent
    }

    progress.clear()
    assert upload(server, str(dataset.id), iter(sent), progress.append) == UploadCounts(0, 10)
    assert progress[-1] == 10
    more = [record(5, "other"), *sent[6:], record(10)]
    assert upload(server, str(dataset.id), more) == UploadCounts(2, 4)
    after = stored(server, dataset)
    assert len(after) == 11
    assert after["r005"]["fields"]["answer_a"] == "other 5"
    unchanged = before.keys() - {"r005"}
    assert all(after[key] == before[key] for key in unchanged)


def test_a_second_push_wipes_neither_metadata_nor_responses(
    server, dataset, people, argilla_server
):
    upload(server, str(dataset.id), [record(0)])
    before = stored(server, dataset)["r000"]
    submit(argilla_server.url, people[0], before["id"], {"better": "A"})
    bare = {"external_id": "r000", "fields": {"answer_a": "new", "answer_b": None}}
    assert upload(server, str(dataset.id), [bare]) == UploadCounts(1, 0)
    assert upload(server, str(dataset.id), [bare]) == UploadCounts(0, 1)
    after = stored(server, dataset)["r000"]
    assert after["id"] == before["id"]
    assert after["metadata"] == before["metadata"]
    assert after["fields"]["answer_a"] == "new"
    assert [each["values"] for each in after["responses"]] == [{"better": {"value": "A"}}]


def test_suggestions_are_part_of_a_record(server, dataset):
    question = server.request("GET", f"datasets/{dataset.id}/questions")["items"][0]["id"]
    suggested = {"question_id": question, "value": "A", "agent": "critic"}
    with_one = {**record(0), "suggestions": [suggested]}
    assert upload(server, str(dataset.id), [with_one, record(1)]) == UploadCounts(2, 0)
    assert upload(server, str(dataset.id), [with_one, record(1)]) == UploadCounts(0, 2)
    other = {**record(0), "suggestions": [{**suggested, "value": "B"}]}
    assert upload(server, str(dataset.id), [other, record(1)]) == UploadCounts(1, 1)
    suggestions = stored(server, dataset)["r000"]["suggestions"]
    assert [(each["value"], each["agent"]) for each in suggestions] == [("B", "critic")]


HOSTILE = [
    "<script>alert('x')</script> <b>&amp;</b> {{ 7 * 7 }}",
    "🦊👩‍👩‍👧 e\u0301 \U0001f1e9\U0001f1ea \u200b\u2028\u0085",
    "مرحبا بالعالم \u202e abc \u202c שלום",
    "\t leading, \"quotes\" 'too' \\ and \\u0041, trailing \r\n\n ",
    "\u0000\u0001\u001b[31m\u007f\ufffe\uffff",
    "自己改善" * 25_000,
    "x" * 100_000,
    "NaN",
]


def test_any_text_comes_back_as_it_was(server, dataset):
    sent = [record(number, text) for number, text in enumerate(HOSTILE)]
    sent[0]["external_id"] = "🦊 / <b>?&%"
    assert upload(server, str(dataset.id), sent).sent == len(HOSTILE)
    assert [parts(each) for each in stored(server, dataset).values()] == sent
    assert upload(server, str(dataset.id), sent) == UploadCounts(0, len(HOSTILE))
    ids = [each.external_id for each in download(server, str(dataset.id))]
    assert ids == [each["external_id"] for each in sent]


def test_a_batch_has_so_many_bytes_at_most(server, dataset, monkeypatch):
    monkeypatch.setattr(records_module, "_MAX_SENT", 500)
    monkeypatch.setattr(records_module, "_TARGET_BYTES", 3000)
    progress = []
    upload(server, str(dataset.id), [record(n, "x" * 900) for n in range(8)], progress.append)
    assert progress == [2, 4, 6, 8]
    # Pages too: two records are the least that a page can have.
    assert len(list(download(server, str(dataset.id)))) == 8


def test_records_are_taken_as_they_are_sent(server, dataset):
    taken, most = 0, 0

    def endless():
        nonlocal taken
        for taken in range(1, 13):
            yield record(taken)

    def settled(done):
        nonlocal most
        most = max(most, taken - done)

    upload(server, str(dataset.id), endless(), settled)
    assert most <= 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"fields": {"answer_b": "b"}}, "refuses the record r002: missing required value"),
        ({"fields": {"answer_a": "a", "extra": "x"}}, "refuses the record r002: found fields"),
        ({"metadata": {"margin": "wide"}}, "refuses the record r002: metadata is not valid"),
        ({"metadata": {"margin": float("nan")}}, "the record r002 cannot be sent: "),
        ({"fields": {"answer_a": "\ud800"}}, "the record r002 cannot be sent: "),
        ({"fields": "text"}, "refuses the records: "),
    ],
)
def test_a_record_that_cannot_be_put_in_is_named(server, dataset, wrong, words):
    with pytest.raises(BadInput, match=words) as error:
        upload(server, str(dataset.id), [record(0), record(1), {**record(2), **wrong}])
    assert "\n" not in str(error.value)
    assert stored(server, dataset) == {}


def test_two_records_of_one_id_are_no_record(server, dataset):
    with pytest.raises(ValueError, match="two records have the external id 'r001'"):
        upload(server, str(dataset.id), [record(1), record(2), record(1)])


def test_a_dataset_that_is_gone(server, dataset):
    dataset.delete()
    for use in (
        lambda: upload(server, str(dataset.id), [record(0)]),
        lambda: list(download(server, str(dataset.id))),
        lambda: state_mark(server, str(dataset.id)),
    ):
        with pytest.raises(BadInput, match=r"Dataset with id `.*` not found"):
            use()


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_lost_connection_is_tried_again(proxy, dataset, server, cut):
    through = connect(proxy.url)
    proxy.heal()
    # The second batch: the listing is the first request, the first batch the second.
    proxy.fault = at(3, cut)
    sent = [record(number) for number in range(10)]
    assert upload(through, str(dataset.id), sent) == UploadCounts(10, 0)
    assert [parts(each) for each in stored(server, dataset).values()] == sent
    assert sum("records/bulk" in request for request in proxy.requests) == 4


@pytest.mark.parametrize("cut", ["before", "after"])
def test_an_upload_that_ended_is_continued(proxy, dataset, server, cut):
    through = connect(proxy.url)
    proxy.fault = nth(PUT, 2, cut)
    sent = [record(number) for number in range(10)]
    with pytest.raises(RunFailed, match=r"the connection to .* the same command resumes") as error:
        upload(through, str(dataset.id), sent)
    assert "\n" not in str(error.value)
    arrived = {"before": 4, "after": 8}[cut]
    assert len(stored(server, dataset)) == arrived
    proxy.heal()
    assert upload(through, str(dataset.id), sent) == UploadCounts(10 - arrived, arrived)
    assert [parts(each) for each in stored(server, dataset).values()] == sent


def test_two_uploads_at_once_make_no_record_twice(dataset, server):
    sent = [record(number) for number in range(40)]
    with ThreadPoolExecutor(2) as pool:
        ways = [pool.submit(upload, connect(), str(dataset.id), sent[::step]) for step in (1, -1)]
        for way in ways:
            way.result()
    before = stored(server, dataset)
    assert [parts(before[each["external_id"]]) for each in sent] == sent


def test_a_gateway_with_a_limit_gets_smaller_batches(argilla_server, dataset, server):
    def limit(request, length):
        return (413, "too large") if request.startswith("PUT") and length > 3000 else None

    with Gateway(argilla_server.url, limit) as gateway:
        through = connect(gateway.url)
        sent = [record(number, "x" * 1200) for number in range(7)]
        assert upload(through, str(dataset.id), sent) == UploadCounts(7, 0)
        assert len(stored(server, dataset)) == 7
        with pytest.raises(BadInput, match="413"):
            upload(through, str(dataset.id), [record(8, "x" * 5000)])


def test_responses_as_they_are_now(server, dataset, people, argilla_server):
    before = datetime.now(UTC)
    upload(server, str(dataset.id), [record(number) for number in range(6)])
    ids = {key: each["id"] for key, each in stored(server, dataset).items()}
    url, (ann, ben) = argilla_server.url, people
    submit(url, ann, ids["r000"], {"better": "A", "why": "🦊 <b>"})
    submit(url, ben, ids["r000"], None, "discarded")
    edited = submit(url, ann, ids["r001"], {"better": "B"})
    submit(url, ann, ids["r002"], {"why": "half"}, "draft")
    taken_back = submit(url, ann, ids["r003"], {"better": "tie"})
    draft = submit(url, ben, ids["r004"], {"better": "A"}, "draft")
    for response, change in (
        (edited, {"status": "submitted", "values": {"better": {"value": "tie"}}}),
        (draft, {"status": "discarded", "values": {"better": {"value": "A"}}}),
    ):
        key = ann if response == edited else ben
        assert ask(url, key, "PUT", f"responses/{response}", json=change).status_code == 200
    assert ask(url, ann, "DELETE", f"responses/{taken_back}").status_code == 200

    records = {each.external_id: each for each in download(server, str(dataset.id))}
    assert list(records) == [f"r{number:03d}" for number in range(6)]
    assert {key: each.id for key, each in records.items()} == ids
    users = [ask(url, key, "GET", "me").json()["id"] for key in people]
    responses = {
        key: {each.user_id: (each.status, each.values) for each in record.responses}
        for key, record in records.items()
    }
    assert responses == {
        "r000": {
            users[0]: ("submitted", {"better": "A", "why": "🦊 <b>"}),
            users[1]: ("discarded", {}),
        },
        "r001": {users[0]: ("submitted", {"better": "tie"})},
        "r002": {users[0]: ("draft", {"why": "half"})},
        "r003": {},
        "r004": {users[1]: ("discarded", {"better": "A"})},
        "r005": {},
    }
    first, changed = records["r000"].responses[0], records["r001"].responses[0]
    assert changed.id == edited
    assert before <= first.inserted_at == first.updated_at <= datetime.now(UTC)
    assert changed.inserted_at < changed.updated_at


def test_the_mark_changes_with_every_response(server, dataset, people, argilla_server):
    upload(server, str(dataset.id), [record(number) for number in range(3)])
    ids = [each["id"] for each in stored(server, dataset).values()]
    url, ann = argilla_server.url, people[0]
    marks = [state_mark(server, str(dataset.id))]
    assert state_mark(server, str(dataset.id)) == marks[0]
    response = submit(url, ann, ids[0], {"better": "A"})
    marks.append(state_mark(server, str(dataset.id)))
    again = {"status": "submitted", "values": {"better": {"value": "A"}}}
    for method, path, body in (
        ("PUT", f"responses/{response}", again),
        ("POST", "me/responses/bulk", {"items": [{**again, "record_id": ids[0]}]}),
        ("POST", f"records/{ids[1]}/responses", {"status": "discarded", "values": None}),
        ("PUT", f"responses/{response}", {"status": "draft", "values": None}),
        ("DELETE", f"responses/{response}", None),
    ):
        assert ask(url, ann, method, path, json=body).ok
        marks.append(state_mark(server, str(dataset.id)))
    assert ask(url, argilla_server.api_key, "DELETE", f"records/{ids[1]}").ok
    marks.append(state_mark(server, str(dataset.id)))
    assert len(set(marks)) == len(marks)
    # Other records change nothing.
    list(download(server, str(dataset.id)))
    upload(server, str(dataset.id), [record(0), record(2)])
    assert state_mark(server, str(dataset.id)) == marks[-1]


def test_a_hundred_submissions_while_pulling(server, dataset, people, argilla_server):
    upload(server, str(dataset.id), [record(number) for number in range(50)])
    ids = [each["id"] for each in stored(server, dataset).values()]
    url, begun = argilla_server.url, threading.Event()

    def one(place):
        begun.wait(60)
        return submit(url, people[place % 2], ids[place // 2], {"better": "tie"})

    with ThreadPoolExecutor(100) as pool:
        answers = [pool.submit(one, place) for place in range(100)]
        before, seen = state_mark(server, str(dataset.id)), []
        for each in download(server, str(dataset.id)):
            begun.set()
            seen.append(each.external_id)
        created = {answer.result() for answer in answers}
    assert seen == [f"r{number:03d}" for number in range(50)]
    assert state_mark(server, str(dataset.id)) != before
    responses = [each for record in download(server, str(dataset.id)) for each in record.responses]
    assert {each.id for each in responses} == created
    assert len(responses) == 100


@pytest.mark.parametrize("gone", [[0], [3], [4], [0, 1, 2, 3], [2, 3, 4, 5, 6], range(8)])
def test_records_deleted_while_pulling(server, dataset, argilla_server, gone):
    upload(server, str(dataset.id), [record(number) for number in range(14)])
    ids = [each["id"] for each in stored(server, dataset).values()]
    seen = []
    for number, each in enumerate(download(server, str(dataset.id))):
        seen.append(each.external_id)
        if number == 3:
            doomed = ",".join(ids[place] for place in gone)
            path = f"datasets/{dataset.id}/records?ids={doomed}"
            assert ask(argilla_server.url, argilla_server.api_key, "DELETE", path).ok
    # The first page was here before.
    left = [place for place in range(14) if place < 4 or place not in gone]
    assert seen == [f"r{number:03d}" for number in left]


def test_a_pull_outlives_a_lost_connection(proxy, dataset, server):
    upload(server, str(dataset.id), [record(number) for number in range(10)])
    through = connect(proxy.url)
    proxy.heal()
    proxy.fault = at(2, "after")
    assert len(list(download(through, str(dataset.id)))) == 10
    proxy.fault = nth(LIST, 2, "before")
    with pytest.raises(RunFailed, match="the same command resumes"):
        list(download(through, str(dataset.id)))

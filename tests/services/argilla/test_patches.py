"""The patched server behaves like Argilla."""

import json
import queue
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import argilla as rg
import pytest

from tests.argilla import ask, submit

pytestmark = pytest.mark.xdist_group("argilla")


@pytest.fixture
def webhook_receiver():
    """The URL of a webhook, and the queue of events that it received."""
    events: queue.Queue[dict] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            events.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{receiver.server_port}", events
        receiver.shutdown()


@pytest.fixture(scope="module")
def dataset(argilla_server):
    client = rg.Argilla(api_url=argilla_server.url, api_key=argilla_server.api_key)
    rg.Workspace("patches", client=client).create()
    settings = rg.Settings(fields=[rg.TextField("text")], questions=[rg.TextQuestion("why")])
    made = rg.Dataset("patches", workspace="patches", settings=settings, client=client).create()
    return str(made.id)


def test_webhooks_get_events_for_records_and_responses(argilla_server, webhook_receiver, dataset):
    address, events = webhook_receiver

    def owner(method, path, **body):
        answer = ask(argilla_server.url, argilla_server.api_key, method, path, **body)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def put(text):
        item = {"external_id": "one", "fields": {"text": text}}
        path = f"datasets/{dataset}/records/bulk"
        return owner("PUT", path, json={"items": [item]})["items"][0]["id"]

    kinds = ["record.created", "record.updated", "record.completed", "record.deleted"]
    kinds += ["response.created", "response.updated", "response.deleted"]
    webhook = owner("POST", "webhooks", json={"url": address, "events": kinds})
    record = put("first")
    put("second")
    response = submit(argilla_server.url, argilla_server.api_key, record, {"why": "x"})
    owner("PUT", f"responses/{response}", json={"status": "discarded", "values": None})
    owner("DELETE", f"responses/{response}")
    owner("DELETE", f"records/{record}")

    received = [events.get(timeout=120) for _ in range(10)]
    assert [event["type"] for event in received] == [
        "record.created",
        "record.updated",
        # Each new, changed or deleted response updates the record's status.
        "record.updated",
        "record.completed",
        "response.created",
        "record.updated",
        "response.updated",
        "record.updated",
        "response.deleted",
        "record.deleted",
    ]
    assert received[0]["data"]["dataset"]["name"] == "patches"
    assert [event["data"]["fields"]["text"] for event in received[:2]] == ["first", "second"]
    assert received[4]["data"]["values"] == {"why": {"value": "x"}}
    owner("PATCH", f"webhooks/{webhook['id']}", json={"enabled": False})
    put("unheard")
    owner("DELETE", f"webhooks/{webhook['id']}")
    put("unheard too")
    # As a list, so that a failure shows what was heard.
    assert list(events.queue) == []


def test_paging_through_a_dataset_uses_an_index(argilla_server, dataset):
    database = sqlite3.connect(f"file:{argilla_server.folder / 'argilla.db'}?mode=ro", uri=True)
    page = "SELECT * FROM records WHERE dataset_id = ? ORDER BY inserted_at LIMIT 10 OFFSET 10"
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {page}", [dataset])]
    database.close()
    assert plan == ["SEARCH records USING INDEX srt_records_in_order (dataset_id=?)"]

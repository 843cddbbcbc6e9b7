"""The client of the batch API: what it sends, what it retries, and what it raises."""

import time

import pytest
from aiohttp import web
from yarl import URL

from builders.errors import BadInput, RunFailed
from pipelines.batch.api import BatchApi
from pipelines.llms.endpoint.address import Endpoint
from tests import openai_server
from tests.batch_runs import KEY
from tests.batch_server import BatchServer

LINES = b"".join(
    b'{"custom_id":"%02x","method":"POST","url":"/v1/chat/completions",'
    b'"body":{"model":"m","messages":[{"role":"user","content":"Why?"}],"seed":%d}}\n' % (n, n)
    for n in range(3000)
)


@pytest.fixture
def api_for():
    apis = []

    def make(server, key=KEY, query=""):
        address = Endpoint(URL(server.url + query), key, "OPENAI_API_KEY" if key else None)
        apis.append(BatchApi(address, deadline=5.0))
        return apis[-1]

    yield make
    for api in apis:
        api.close()


@pytest.fixture
def requests_file(tmp_path):
    path = tmp_path / "requests.jsonl"
    path.write_bytes(LINES)
    return path


class Recorder(BatchServer):
    """A batch server that keeps what came with each request to files and batches."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.seen = []

    def _stopped(self, request):
        self.seen.append((request.method, request.path_qs, dict(request.headers)))
        return super()._stopped(request)


def test_nothing_from_the_environment_is_sent(api_for, requests_file, monkeypatch):
    secrets = {
        "OPENAI_API_KEY": "sk-of-another-account",
        "OPENAI_ADMIN_KEY": "sk-admin",
        "OPENAI_ORG_ID": "org-private",
        "OPENAI_PROJECT_ID": "project-private",
        "OPENAI_CUSTOM_HEADERS": "X-Private: private\nAuthorization: Bearer private",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/private",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    with Recorder() as server:
        api = api_for(server, key=None)
        api.check()
        api.create(api.upload(requests_file), "token")
        seen = server.seen
    assert [(method, path) for method, path, _ in seen] == [
        ("GET", "/v1/batches?limit=1"),
        ("POST", "/v1/files"),
        ("POST", "/v1/batches"),
    ]
    usual = {"host", "connection", "accept", "accept-encoding", "user-agent"}
    usual |= {"content-type", "content-length"}
    for _, _, headers in seen:
        assert {name.lower() for name in headers} <= usual
        assert headers["User-Agent"] == "srt-feedback"


def test_the_key_and_the_query_of_base_url_are_sent(api_for):
    with Recorder(key=KEY) as server:
        api_for(server, query="?api-version=7").check()
        ((_, path, headers),) = server.seen
    assert path == "/v1/batches?api-version=7&limit=1"
    assert headers["Authorization"] == f"Bearer {KEY}"


def test_an_upload_that_is_tried_again_is_whole(api_for, requests_file):
    class Busy(BatchServer):
        refused = 0

        async def _upload(self, request):
            if self.refused == 2:
                return await super()._upload(request)
            self.refused += 1
            assert LINES in await request.read()
            return web.json_response({}, status=503, headers={"Retry-After-Ms": "1"})

    with Busy() as server:
        file_id = api_for(server).upload(requests_file)
        assert server.refused == 2
        assert server.files == {file_id: LINES}


def test_a_download_that_is_cut_short_is_tried_again_and_never_half_there(
    api_for, requests_file, tmp_path
):
    class Cut(BatchServer):
        cuts = 1

        async def _content(self, request):
            if not self.cuts:
                return await super()._content(request)
            self.cuts -= 1
            response = web.StreamResponse(headers={"Content-Length": str(len(LINES))})
            await response.prepare(request)
            await response.write(LINES[:10_000])
            request.transport.close()
            return response

    target = tmp_path / "output.jsonl"
    with Cut() as server:
        api = api_for(server)
        file_id = api.upload(requests_file)
        api.download(file_id, target)
        assert target.read_bytes() == LINES
        target.unlink()
        server.cuts = 100
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "sleep", lambda _: None)
            with pytest.raises(RunFailed, match=r"^cannot reach .* the same command continues"):
                api.download(file_id, target)
        assert not list(tmp_path.glob("output*"))
        assert server.cuts == 94


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, BadInput, r"refused the key in \$OPENAI_API_KEY \(401\): Not \*\*\*\.$"),
        (403, BadInput, r"refused the key in \$OPENAI_API_KEY \(403\)"),
        (402, RunFailed, r"payment required \(402\)"),
        (404, BadInput, r"no batch API there, set execution.kind to local \(404\)"),
        (422, BadInput, r"does not accept this batch \(422\)"),
        (418, RunFailed, r"HTTP 418: .*; the same command continues the run$"),
    ],
)
def test_error_statuses_are_one_line_without_the_key(api_for, status, error, words):
    def fault(method, path):
        return web.json_response({"error": {"message": f"Not\n{KEY}."}}, status=status)

    with BatchServer(fault=fault) as server, pytest.raises(error, match=words) as caught:
        api_for(server).check()
    message = str(caught.value)
    assert KEY not in message
    assert "\n" not in message
    assert server.url in message
    assert caught.value.__suppress_context__


def test_a_redirect_is_not_followed(api_for):
    def fault(method, path):
        return web.Response(status=307, headers={"Location": "http://127.0.0.1:9/v1/batches"})

    with (
        BatchServer(fault=fault) as server,
        pytest.raises(BadInput, match=r"redirects to http://127.0.0.1:9/v1/batches \(307\)"),
    ):
        api_for(server).check()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'"text"', b"", b'{"data": 3}'])
@pytest.mark.parametrize("content_type", ["text/html", "application/json"])
def test_replies_that_are_no_batch_api_are_one_line(api_for, requests_file, body, content_type):
    def fault(method, path):
        return web.Response(body=body, content_type=content_type)

    with BatchServer(fault=fault) as server:
        api = api_for(server)
        for call in (lambda: api.upload(requests_file), lambda: api.retrieve("batch_1")):
            with pytest.raises(RunFailed, match=r"JSON object; is it a batch API\?|has no id of"):
                call()
        if body == b'{"data": 3}':
            assert api.find("file", "token") is None


def test_a_batch_that_the_endpoint_lost_is_named(api_for):
    with (
        BatchServer() as server,
        pytest.raises(RunFailed, match=r"has no batch_77 \(404\): No batch found"),
    ):
        api_for(server).retrieve("batch_77")


def test_an_endpoint_that_cannot_be_reached_is_one_line(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)
    url = openai_server.unused_url()
    api = BatchApi(Endpoint(URL(url), KEY, "OPENAI_API_KEY"), deadline=5.0)
    with pytest.raises(RunFailed) as caught:
        api.check()
    api.close()
    message = str(caught.value)
    assert message.startswith(f"cannot reach {url}: ")
    assert message.endswith("(6 attempts); the same command continues the run")
    assert "refused" in message

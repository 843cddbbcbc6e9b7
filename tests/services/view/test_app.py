"""Who gets an answer: whoever has the token, from this machine, and no other site's page."""

import asyncio
import threading
from types import SimpleNamespace

import pytest
from aiohttp import ClientSession, web

from builders.errors import BadInput
from services.view.app import make_app

TOKEN = "a-token"


class Question:
    """Answers what it was asked; `slow` waits until somebody cancels."""

    def __init__(self, name, query):
        self.name, self.query = name, list(query)
        self.started, self.cancelled = threading.Event(), threading.Event()

    def answer(self):
        self.started.set()
        if self.name == "bad":
            raise BadInput("that means nothing")
        if self.name == "broken":
            raise RuntimeError("a secret")
        if self.name == "slow":
            self.cancelled.wait(60)
        return None if self.name == "nothing" else {"asked": self.query}

    def cancel(self):
        self.cancelled.set()


class Page:
    html, policy = "<p>page</p>", "default-src 'none'"

    def __init__(self):
        self.asked = []

    def ask(self, name, query):
        if name == "unknown":
            return None
        self.asked.append(Question(name, query))
        return self.asked[-1]


@pytest.fixture
def served():
    """Runs a function of the server's address, its page and a client."""

    def run(work):
        async def inside():
            page = Page()
            runner = web.AppRunner(make_app(page, TOKEN), handler_cancellation=True)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            base = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with ClientSession() as client:
                try:
                    return await work(SimpleNamespace(base=base, page=page, client=client))
                finally:
                    await runner.cleanup()

        return asyncio.run(inside())

    return run


def get(served, path, **headers):
    """The status, the text and the headers of an answer."""

    async def work(server):
        async with server.client.get(server.base + path, headers=headers) as response:
            return response.status, await response.text(), response.headers

    return served(work)


def test_the_page_and_its_answers(served):
    status, text, headers = get(served, f"/{TOKEN}/")
    assert (status, text) == (200, Page.html)
    assert headers["Content-Security-Policy"] == Page.policy
    status, text, headers = get(served, f"/{TOKEN}/api/rows?a=1&a=%26")
    assert (status, text) == (200, '{"asked":[["a","1"],["a","&"]]}')
    for name, value in {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }.items():
        assert headers[name] == value
    assert not [name for name in headers if name.startswith("Access-Control")]


@pytest.mark.parametrize(
    "path", ["/", "/other/", f"/{TOKEN}x/", f"/{TOKEN[:-1]}/", "/favicon.ico", "/api/rows", "/%00/"]
)
def test_without_the_token(served, path):
    for whole in (path, f"{path}api/rows"):
        status, text, _ = get(served, whole)
        assert status == 403
        assert TOKEN not in text


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:80"},
        {"Host": "127.0.0.1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=lambda headers: "-".join(f"{name}={value}" for name, value in headers.items()),
)
def test_another_sites_page(served, headers):
    status, _, answered = get(served, f"/{TOKEN}/api/rows", **headers)
    assert status == 403
    assert not [name for name in answered if name.startswith("Access-Control")]


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("bad", 400, "that means nothing"),
        ("nothing", 404, "there is no such row"),
        ("unknown", 404, "there is no such question"),
        ("broken", 500, "internal error; see the output of `srt view`"),
    ],
)
def test_what_cannot_be_answered(served, capsys, name, status, error):
    found, text, _ = get(served, f"/{TOKEN}/api/{name}")
    assert (found, text) == (status, f'{{"error":"{error}"}}')
    assert TOKEN not in capsys.readouterr().err


def test_nothing_is_answered_but_get(served):
    async def work(server):
        async with server.client.post(f"{server.base}/{TOKEN}/api/rows") as response:
            return response.status

    assert served(work) == 403


def test_a_browser_that_is_closed_in_the_middle(served):
    async def work(server):
        task = asyncio.ensure_future(server.client.get(f"{server.base}/{TOKEN}/api/slow"))
        while not server.page.asked:
            await asyncio.sleep(0.01)
        (question,) = server.page.asked
        await asyncio.to_thread(question.started.wait, 60)
        task.cancel()
        return await asyncio.to_thread(question.cancelled.wait, 60)

    assert served(work)

"""Writing requests are processed one after another."""

import asyncio

import pytest

from services.argilla.inside.write_queue import WriteQueue


class Busy:
    """An application that records concurrent requests, and reads their bodies."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.most: dict[str, int] = {}
        self.done: list[tuple[str, bytes]] = []

    async def __call__(self, scope, receive, send) -> None:
        name = scope["path"]
        self.inside.append(name)
        kind = "reads" if WriteQueue.is_read(scope) else "writes"
        of_kind = [path for path in self.inside if path.endswith("read") == (kind == "reads")]
        self.most[kind] = max(self.most.get(kind, 0), len(of_kind))
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        await asyncio.sleep(0)
        self.inside.remove(name)
        self.done.append((name, body))
        if name.startswith("/fails"):
            raise ValueError(name)


def request(path, method="POST"):
    return {"type": "http", "method": method, "path": path}


async def whole():
    return {"type": "http.request", "body": b"all"}


def test_one_write_at_a_time_in_order_of_arrival():
    app = Busy()
    queue = WriteQueue(app)

    async def many():
        writes = [queue(request(f"/{number}"), whole, None) for number in range(50)]
        reads = [queue(request(f"/{number}/read", "GET"), whole, None) for number in range(50)]
        await asyncio.gather(*writes, *reads)

    asyncio.run(many())
    assert app.most == {"writes": 1, "reads": 10}
    written = [name for name, _ in app.done if not name.endswith("read")]
    assert written == [f"/{number}" for number in range(50)]


def test_a_slow_client_does_not_block_others():
    app, sent = Busy(), None

    async def slowly():
        if not sent.is_set():
            await sent.wait()
            return {"type": "http.request", "body": b"half ", "more_body": True}
        return {"type": "http.request", "body": b"whole"}

    async def both():
        nonlocal sent
        sent = asyncio.Event()
        queue = WriteQueue(app)
        slow = asyncio.create_task(queue(request("/slow"), slowly, None))
        await asyncio.sleep(0)
        await queue(request("/quick"), whole, None)
        sent.set()
        await slow

    asyncio.run(both())
    assert app.done == [("/quick", b"all"), ("/slow", b"half whole")]


def test_a_failed_or_disconnected_request_unblocks_the_next():
    app = Busy()
    queue = WriteQueue(app)

    async def gone():
        return {"type": "http.disconnect"}

    async def three():
        fails = queue(request("/fails"), whole, None)
        goes = queue(request("/goes"), gone, None)
        last = queue(request("/last"), whole, None)
        return await asyncio.gather(fails, goes, last, return_exceptions=True)

    failed, *others = asyncio.run(three())
    assert isinstance(failed, ValueError)
    assert others == [None, None]
    assert [name for name, _ in app.done] == ["/fails", "/goes", "/last"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_clients_that_do_not_read_keep_no_turn(method):
    """Eleven clients take no byte of their response; the twelfth is served."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start"})
        await send({"type": "http.response.body", "body": b"a long one"})

    async def never(_):
        await asyncio.Event().wait()

    async def all_of_them():
        queue, read = WriteQueue(app), []
        idle = [
            asyncio.create_task(queue(request("/idle", method), whole, never)) for _ in range(11)
        ]
        await asyncio.sleep(0)

        async def reads(message):
            read.append(message)

        await asyncio.wait_for(queue(request("/reads", method), whole, reads), 10)
        for task in idle:
            task.cancel()
        return len(read)

    assert asyncio.run(all_of_them()) == 2


def test_other_scopes_are_passed_on():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(WriteQueue(app)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]

"""A queue of requests, because SQLite has one writer and Argilla's pool has few connections.

Without it, a hundred concurrent requests each take a connection and then wait for the one that
writes. SQLite makes waiting writers retry at random, and the pool gives up after 30 seconds, so
under load some requests fail. Here they wait before they take a connection, first come first
served.
"""

import asyncio
from collections import deque

# Together with the writer, fewer than the pool's 15 connections.
_MAX_READERS = 10
_READ_METHODS = ("GET", "HEAD", "OPTIONS")


class WriteQueue:
    """An ASGI application that passes one writing request at a time to `app`, and ten reading."""

    def __init__(self, app) -> None:
        self._app = app
        self._writing, self._reading = asyncio.Semaphore(1), asyncio.Semaphore(_MAX_READERS)

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self.is_read(scope):
            await self._in_turn(self._reading, scope, receive, send)
        else:
            # The whole body first, so that a slow client does not block the others.
            buffered = await _buffered(receive)
            await self._in_turn(self._writing, scope, buffered, send)

    async def _in_turn(self, turn: asyncio.Semaphore, scope, receive, send) -> None:
        """Run the application in its turn, which is over when the response begins.

        Then the request has returned its connection to the pool. How long it takes to send the
        response is up to the client, who may not read it.
        """
        await turn.acquire()
        over = False

        def end() -> None:
            nonlocal over
            if not over:
                over = True
                turn.release()

        async def sending(message) -> None:
            end()
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            end()

    @staticmethod
    def is_read(scope) -> bool:
        return scope["method"] in _READ_METHODS or scope["path"].endswith("/search")


async def _buffered(receive):
    """Read the request's body; returns a `receive` that replays it."""
    messages = deque()
    more = True
    while more:
        messages.append(await receive())
        more = messages[-1].get("more_body", False)

    async def replay():
        return messages.popleft() if messages else await receive()

    return replay

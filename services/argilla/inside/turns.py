"""Requests in turns: SQLite has one writer, and Argilla's pool few connections.

A hundred requests at once each take a connection and then wait for the one that writes. SQLite
lets waiting writers try again by chance, not in turn, and the pool gives up after 30 seconds:
under load some are refused. Here they wait before they take anything, in the order they came.
"""

import asyncio
from collections import deque

# With the writer fewer than the pool's 15 connections.
_READERS = 10
_READING = ("GET", "HEAD", "OPTIONS")


class Turns:
    """An ASGI application that lets one writing request at a time into `app`, and ten others."""

    def __init__(self, app) -> None:
        self._app = app
        self._writing, self._reading = asyncio.Semaphore(1), asyncio.Semaphore(_READERS)

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self.reads(scope):
            async with self._reading:
                await self._app(scope, receive, send)
        else:
            # Whole: who is slow to send has no turn yet.
            whole = await _received(receive)
            async with self._writing:
                await self._app(scope, whole, send)

    @staticmethod
    def reads(scope) -> bool:
        return scope["method"] in _READING or scope["path"].endswith("/search")


async def _received(receive):
    """A `receive` that first gives what was waited for here: the body to its end."""
    messages = deque()
    more = True
    while more:
        messages.append(await receive())
        more = messages[-1].get("more_body", False)

    async def again():
        return messages.popleft() if messages else await receive()

    return again

"""Serving a folder on a port of this machine, until a signal ends it."""

import asyncio
import errno
import signal
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from services.hub.access import Tokens
from services.hub.app import make_app
from services.hub.errors import CannotStart
from services.hub.state import open_hub

HOST = "127.0.0.1"
# How long a request in progress may go on after the signal, in seconds.
_GRACE_S = 5.0


def serve(folder: Path, port: int, tokens: Tokens, ready: Callable[[str], None]) -> None:
    """Serve `folder` until SIGINT or SIGTERM; port 0 takes a free one.

    `ready` is called with the server's URL once it answers. Raises `CannotStart` where the port is
    taken or the folder is in use.
    """
    with open_hub(folder, tokens) as hub:
        asyncio.run(_serve(make_app(hub), port, ready))


async def _serve(app: web.Application, port: int, ready: Callable[[str], None]) -> None:
    # No log of requests: nothing of a client's, least of all a token, is written anywhere.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE_S)
    await runner.setup()
    try:
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "it is in use; choose another with --port" if taken else error.strerror
            raise CannotStart(f"port {port}: {reason}") from None
        ready(f"http://{HOST}:{runner.addresses[0][1]}")
        await ended.wait()
    finally:
        await runner.cleanup()

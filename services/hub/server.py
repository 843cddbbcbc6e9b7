"""Serves a folder on a local port until a signal ends it."""

import asyncio
import errno
import signal
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from builders.errors import BadInput
from services.hub.access import Tokens
from services.hub.http.app import make_app
from services.hub.storage.state import open_hub

HOST = "127.0.0.1"
# How long requests in progress may take after the signal, in seconds.
_GRACE_S = 5.0


def serve(folder: Path, port: int, tokens: Tokens, ready: Callable[[str], None]) -> None:
    """Serve `folder` until SIGINT or SIGTERM; port 0 picks a free port.

    `ready` is called with the server's URL once it accepts requests. BadInput if the port or the
    folder is in use.
    """
    with open_hub(folder, tokens) as hub:
        asyncio.run(_serve(make_app(hub), port, ready))


async def _serve(app: web.Application, port: int, ready: Callable[[str], None]) -> None:
    # No request log: nothing that a client sends, least of all a token, is written anywhere.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE_S)
    await runner.setup()
    try:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "it is in use; choose another with --port" if taken else error.strerror
            raise BadInput(f"port {port}: {reason}") from None
        ready(f"http://{HOST}:{runner.addresses[0][1]}")
        await stop.wait()
    finally:
        await runner.cleanup()

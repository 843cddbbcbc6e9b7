"""Serving a web application on this machine alone, until a signal ends it."""

import asyncio
import errno
import signal
from collections.abc import Callable
from typing import Any

from aiohttp import web

from builders.errors import BadInput

HOST = "127.0.0.1"
# How long requests in progress may take after the signal, in seconds.
_GRACE_S = 5.0


async def serve_app(
    app: web.Application, port: int, ready: Callable[[str], None], **runner: Any
) -> None:
    """Serve `app` until SIGINT or SIGTERM; port 0 picks a free port.

    `ready` is called with the server's URL once it accepts requests. `runner` are further options
    of `web.AppRunner`. BadInput if the port is in use.
    """
    # No request log: nothing that a client sends, least of all a token, is written anywhere.
    served = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE_S, **runner)
    await served.setup()
    try:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        try:
            await web.TCPSite(served, HOST, port).start()
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "it is in use; choose another with --port" if taken else error.strerror
            raise BadInput(f"port {port}: {reason}") from None
        ready(f"http://{HOST}:{served.addresses[0][1]}")
        await stop.wait()
    finally:
        await served.cleanup()

"""Serving a web application on this machine alone, until a signal ends it."""

import asyncio
import faulthandler
import signal
from collections.abc import Callable
from typing import Any

from aiohttp import web

from services.listening import HOST, listening

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
        await web.SockSite(served, listening(port)).start()
        ready(f"http://{HOST}:{served.addresses[0][1]}")
        await stop.wait()
        # Whatever a thread of this process still does, it ends: this timer needs no Python.
        faulthandler.dump_traceback_later(3 * _GRACE_S, exit=True)
    finally:
        await served.cleanup()

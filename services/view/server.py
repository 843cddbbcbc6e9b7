"""Serves a page until a signal ends it."""

import asyncio
import secrets
from collections.abc import Callable

from services.loopback import serve_app
from services.view.app import Page, make_app


def serve(page: Page, port: int, ready: Callable[[str], None]) -> None:
    """Serve `page` until SIGINT or SIGTERM; port 0 picks a free port.

    `ready` is called with the page's address, which has a new random token. BadInput if the port is
    in use.
    """
    token = secrets.token_urlsafe(24)
    app = make_app(page, token)
    # A question whose browser has gone is not answered to its end.
    asyncio.run(
        serve_app(app, port, lambda url: ready(f"{url}/{token}/"), handler_cancellation=True)
    )

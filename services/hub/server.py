"""Serves a folder on a local port until a signal ends it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from services.hub.access import Tokens
from services.hub.http.app import make_app
from services.hub.http.preview import Preview
from services.hub.storage.state import open_hub
from services.loopback import serve_app


def serve(
    folder: Path,
    port: int,
    tokens: Tokens,
    ready: Callable[[str], None],
    preview: Preview | None = None,
) -> None:
    """Serve `folder` until SIGINT or SIGTERM; port 0 picks a free port.

    `ready` is called with the server's URL once it accepts requests. `preview` makes the page of a
    release's rows. BadInput if the port or the folder is in use.
    """
    with open_hub(folder, tokens) as hub:
        asyncio.run(serve_app(make_app(hub, preview), port, ready))

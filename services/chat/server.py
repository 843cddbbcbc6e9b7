"""Listens on a local port until a signal ends it."""

import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn

from services.chat.answerer import Answerer
from services.chat.app import make_app
from services.listening import HOST, listening

# How long answers in progress may take after the signal, in seconds.
_GRACE_S = 5


@contextmanager
def bound(port: int) -> Iterator[socket.socket]:
    """A socket on a local port, before anything that takes time; 0 picks a free one.

    BadInput if the port cannot be had. Who connects waits for `serve`.
    """
    with listening(port) as listener:
        yield listener


def serve(answerer: Answerer, listener: socket.socket, ready: Callable[[str], None]) -> None:
    """Answer until SIGINT or SIGTERM.

    `ready` is called with the server's URL, which ends in /v1, once it accepts requests.
    """
    # No request log: nothing that a client sends is written anywhere.
    config = uvicorn.Config(
        make_app(answerer),
        log_config=None,
        access_log=False,
        lifespan="off",
        # Longer than clients keep an idle connection: who closes first must be the client.
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE_S,
    )
    # An answer that is cut at the end of the grace is no error; others the app reports itself.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    url = f"http://{HOST}:{listener.getsockname()[1]}/v1"
    # uvicorn raises its signals again once it has ended: either is an interrupt then.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            _Server(config, lambda: ready(url)).run(sockets=[listener])
    finally:
        signal.signal(signal.SIGTERM, before)


class _Server(uvicorn.Server):
    """Says when it accepts requests, and its signals end it."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

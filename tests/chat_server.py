"""The chat server with any answerer, in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from services.chat.answerer import Answerer
from services.chat.app import make_app
from services.chat.server import bound


@contextmanager
def running_chat(answerer: Answerer) -> Iterator[str]:
    """The server's address, without /v1."""
    with bound(0) as listener:
        config = uvicorn.Config(
            make_app(answerer), log_config=None, lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()

"""The chat server with any answerer, in a thread; and `srt serve model` as a process."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from services.chat.answerer import Answerer
from services.chat.app import make_app
from services.chat.server import bound

ROOT = Path(__file__).parents[1]


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


@contextmanager
def serve_model(*arguments: object, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`srt serve model` with these arguments, run in `folder`, with captured output."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines", "serve", "model", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def url_of(process: subprocess.Popen[str]) -> str:
    """The address that the server prints once it accepts requests, which ends in /v1."""
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first.startswith("model: http://127.0.0.1:"), (first, process.stderr.read())
    return first.split()[1]

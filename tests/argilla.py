"""A real Argilla server for a test session, and helpers for several tests.

One server serves them all: a module that uses `argilla_server` sets
`pytestmark = pytest.mark.xdist_group("argilla")`, so that all of them run on one worker. The server
keeps the data of other modules, so workspaces, users and datasets need unique names.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from services.argilla.environment import environment_python
from services.argilla.errors import NotInstalled
from services.argilla.launch import RunningArgilla, running_argilla
from services.model.embedded import cache_dir

__all__ = ["RunningArgilla", "argilla_cache", "argilla_server", "ask", "submit"]


def argilla_cache() -> Path:
    """The cache with the server's environment; skips the test if it cannot be installed."""
    try:
        environment_python(cache_dir(), print)
    except NotInstalled as error:
        pytest.skip(str(error))
    return cache_dir()


@pytest.fixture(scope="session")
def argilla_server(tmp_path_factory) -> Iterator[RunningArgilla]:
    with running_argilla(tmp_path_factory.mktemp("argilla"), argilla_cache()) as running:
        yield running


def ask(url: str, key: str, method: str, path: str, **kwargs) -> requests.Response:
    """A plain API request as the user with this key."""
    return requests.request(
        method, f"{url}/api/v1/{path}", headers={"X-Argilla-Api-Key": key}, timeout=120, **kwargs
    )


def submit(url: str, key: str, record: str, values: dict | None, status: str = "submitted") -> str:
    """Answer a record (by the server's id) like the web page does; returns the response's id."""
    answers = values and {question: {"value": value} for question, value in values.items()}
    answer = ask(
        url, key, "POST", f"records/{record}/responses", json={"status": status, "values": answers}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]

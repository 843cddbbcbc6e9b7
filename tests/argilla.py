"""A real Argilla server for the tests of a session, and what several of them do with it.

One server serves them all: a module that uses `argilla_server` says
`pytestmark = pytest.mark.xdist_group("argilla")`, which brings all of them to one worker. It keeps
other modules' data: workspaces, users and datasets need names of their own.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pipelines.embedded import cache_dir
from services.argilla.environment import environment_python
from services.argilla.errors import NotInstalled
from services.argilla.launch import RunningArgilla, running_argilla

__all__ = ["RunningArgilla", "argilla_cache", "argilla_server", "ask", "submit"]


def argilla_cache() -> Path:
    """Where the server's environment is, made if need be; skips where no package index is."""
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
    """A bare request to the API, as the user whose key it is."""
    return requests.request(
        method, f"{url}/api/v1/{path}", headers={"X-Argilla-Api-Key": key}, timeout=120, **kwargs
    )


def submit(url: str, key: str, record: str, values: dict | None, status: str = "submitted") -> str:
    """Answer a record (by the server's id) as the page does; the response's id."""
    given = values and {question: {"value": value} for question, value in values.items()}
    answer = ask(
        url, key, "POST", f"records/{record}/responses", json={"status": status, "values": given}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]

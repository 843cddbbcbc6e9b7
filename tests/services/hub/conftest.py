"""One embedded Hub for the tests of a process, clients of it, and repositories of one's own."""

from itertools import count
from types import SimpleNamespace

import pytest
import requests
from huggingface_hub import HfApi, constants

from tests.hub import running_hub

_numbers = count()


@pytest.fixture(scope="session")
def hub(tmp_path_factory):
    with running_hub(
        tmp_path_factory.mktemp("hub"), token="hf_write", read_token="hf_read"
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def _without_xet(monkeypatch):
    # Read from the environment when the client was imported, which may have been for another test.
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture(scope="session")
def api(hub):
    return HfApi(endpoint=hub.url, token="hf_write")


@pytest.fixture(params=["dataset", "model"])
def repo(request, api):
    """A new repository of each kind: its name, its type, and keyword arguments that name it."""
    return new_repo(api, request.param)


@pytest.fixture
def dataset(api):
    return new_repo(api, "dataset")


def new_repo(api, repo_type):
    name = f"org/made-{next(_numbers)}"
    api.create_repo(name, repo_type=repo_type)
    return SimpleNamespace(
        name=name, type=repo_type, named={"repo_id": name, "repo_type": repo_type}
    )


@pytest.fixture(scope="session")
def ask(hub):
    """A bare request, for what the client would not send: (method, path, ...) to a response."""
    session = requests.Session()

    def send(method, path, *, token="hf_write", headers=None, **kwargs):
        given = {"Authorization": f"Bearer {token}"} if token else {}
        return session.request(
            method,
            path if path.startswith("http") else hub.url + path,
            headers=given | (headers or {}),
            timeout=60,
            **kwargs,
        )

    yield send
    session.close()

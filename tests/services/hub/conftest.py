"""One embedded Hub per test process, clients for it, and new repositories."""

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
    # The client read the environment when it was imported, maybe for another test.
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture(scope="session")
def api(hub):
    return HfApi(endpoint=hub.url, token="hf_write")


@pytest.fixture(params=["dataset", "model"])
def repo(request, api):
    """A new repository of each type: name, type, and keyword arguments for the client."""
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
    """A function for plain HTTP requests that the client would not send."""
    session = requests.Session()

    def send(method, path, *, token="hf_write", headers=None, **kwargs):
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        return session.request(
            method,
            path if path.startswith("http") else hub.url + path,
            headers=authorization | (headers or {}),
            timeout=60,
            **kwargs,
        )

    yield send
    session.close()

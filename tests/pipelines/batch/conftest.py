"""The key that the test servers want, and a store of answers for each test."""

import pytest

from pipelines.llms.store import CompletionStore
from tests.batch_runs import KEY


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def store(tmp_path):
    return CompletionStore(tmp_path / "answers.sqlite")

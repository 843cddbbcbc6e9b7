"""LLMs over HTTP that hardly wait between attempts, and are unloaded after each test."""

import pytest

from pipelines.llms.endpoint.openai import OpenAILLM
from tests.openai_client import ask
from tests.openai_server import OpenAIServer


@pytest.fixture
def make():
    """Makes LLMs that hardly wait between attempts."""
    llms = []

    def make_llm(url, **changes):
        settings = {"api_key_env": None, "backoff_base": 0.001, "backoff_cap": 0.002} | changes
        llms.append(OpenAILLM(model="test-model", base_url=url, **settings))
        llms[-1].load()
        return llms[-1]

    yield make_llm
    for llm in llms:
        llm.unload()


@pytest.fixture
def once(make):
    """One request to a server that replies as given: the completion, and the bodies it got."""

    def run(*replies, request=None, **changes):
        with OpenAIServer(lambda body, n: replies[min(n, len(replies) - 1)]) as server:
            (completion,) = make(server.url, **changes).complete([request or ask()])
            return completion, server.requests

    return run

"""One model that many callers ask: an endpoint, and models that work through a queue."""

import threading
import time
from concurrent.futures import Future
from dataclasses import replace

import pytest

from builders.errors import BadInput, RunFailed
from pipelines.llms.endpoint.openai import OpenAILLM
from pipelines.llms.live import live_model
from pipelines.llms.messages import Sampling
from pipelines.llms.scripted import ScriptedLLM
from tests import openai_server as fake
from tests.openai_client import ask, until
from tests.openai_server import OpenAIServer

_gate = threading.Event()


def start(live, request):
    future = Future()
    live.start(request, future)
    return future


def endpoint(url, **changes):
    settings = {"api_key_env": None, "backoff_base": 0.001, "backoff_cap": 0.002} | changes
    return live_model(OpenAILLM(model="test-model", base_url=url, **settings))


def test_an_endpoint_gets_each_requests_own_sampling():
    with OpenAIServer() as server:
        live = endpoint(server.url, temperature=0.3, max_new_tokens=50)
        own = Sampling(0.9, 0.5, 7, ("\n", "a", "b", "c", "d"))
        assert start(live, replace(ask(seed=4), sampling=own)).result(30).text == "Reply 0."
        assert start(live, ask(seed=5)).result(30).finish_reason == "stop"
        first, second = server.requests
        live.close()
    assert (first["temperature"], first["top_p"], first["max_tokens"]) == (0.9, 0.5, 7)
    assert (first["seed"], first["stop"]) == (4, ["\n", "a", "b", "c"])
    assert (second["temperature"], second["max_tokens"], second["seed"]) == (0.3, 50, 5)
    assert "stop" not in second
    assert "top_p" not in second


def test_canceling_hangs_up_at_the_endpoint():
    with OpenAIServer(lambda body, n: fake.hang if n == 0 else "Fine.") as server:
        live = endpoint(server.url)
        future = start(live, ask())
        until(lambda: server.active == 1)
        assert future.cancel()
        until(lambda: server.active == 0)
        assert start(live, ask()).result(30).text == "Fine."
        live.close()


def test_an_endpoints_thinking_and_failures():
    replies = [
        "<think>Hm.</think>Yes.",
        fake.status(400, "too many tokens", "context_length_exceeded"),
    ]
    with OpenAIServer(lambda body, n: replies[n]) as server:
        live = endpoint(server.url)
        completion = start(live, ask()).result(30)
        assert (completion.text, completion.reasoning) == ("Yes.", "Hm.")
        assert start(live, ask()).result(30).reason == "context_exceeded"
        live.close()


def test_an_endpoint_that_refuses_is_an_error_for_who_asked():
    with OpenAIServer(lambda body, n: fake.status(404, "no such model")) as server:
        live = endpoint(server.url)
        with pytest.raises(BadInput, match="no model"):
            start(live, ask()).result(30)
        live.close()


def test_an_endpoint_that_is_not_there_is_an_error_at_once():
    with pytest.raises(RunFailed, match="cannot reach"):
        endpoint(fake.unused_url(), max_attempts=1)


def slow(messages, seed):
    if seed == 0:
        _gate.wait(30)
    if seed == 13:
        raise ZeroDivisionError
    return f"Reply {seed}."


def test_a_queue_answers_in_order_and_goes_on_after_an_error():
    _gate.clear()
    live = live_model(ScriptedLLM(script=f"{__name__}:slow"))
    blocked = [start(live, ask(seed=0)) for _ in range(4)]
    time.sleep(0.05)
    waiting = [start(live, ask(seed=seed)) for seed in (1, 13, 2)]
    canceled = start(live, ask(seed=3))
    assert canceled.cancel()
    _gate.set()
    assert waiting[0].result(30).text == "Reply 1."
    with pytest.raises(ZeroDivisionError):
        waiting[1].result(30)
    assert waiting[2].result(30).text == "Reply 2."
    assert [future.result(30).text for future in blocked] == ["Reply 0."] * 4
    live.close()

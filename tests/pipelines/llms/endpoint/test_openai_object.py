"""The LLM object: its threads, its key, and how distilabel keeps it."""

import asyncio
import gc
import json
import logging
import os
import pickle
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from builders.errors import BadInput, RunFailed
from pipelines.llms.endpoint.openai import OpenAILLM
from tests import openai_server as fake
from tests.openai_client import KEY, ask, until
from tests.openai_server import OpenAIServer


@pytest.fixture
def loops():
    """The request loops that this test has running: another test may have left its own."""
    gc.collect()
    before = set(threading.enumerate())

    def running():
        new = set(threading.enumerate()) - before
        return [thread for thread in new if thread.name == "chat requests"]

    return running


def test_threads_share_one_limit_and_one_loop(make, loops):
    with OpenAIServer(latency=0.01) as server, ThreadPoolExecutor(8) as threads:
        llm = make(server.url, in_flight=6)
        batches = list(threads.map(llm.complete, [[ask(seed=n) for n in range(20)]] * 8))
        assert len(loops()) == 1
    assert sum(completion.text is not None for batch in batches for completion in batch) == 160
    assert server.peak == 6


def test_latency_leaves_out_the_wait_for_a_slot(make):
    with OpenAIServer(latency=0.01) as server:
        llm = make(server.url, in_flight=1)
        begun = time.perf_counter()
        completions = llm.complete([ask(seed=n) for n in range(20)])
        elapsed = time.perf_counter() - begun
    # One after another, so that latencies that overlap would add up to more than there was.
    assert 20 * 0.01 <= sum(completion.latency for completion in completions) <= elapsed


def test_it_works_again_after_unload(make, loops):
    with OpenAIServer() as server:
        llm = make(server.url)
        for _ in range(3):
            assert llm.complete([ask()])[0].text is not None
            llm.unload()
            llm.unload()
            assert not loops()


def test_unload_ends_what_is_outstanding(make):
    with OpenAIServer(lambda body, n: fake.hang) as server, ThreadPoolExecutor(1) as threads:
        llm = make(server.url)
        batch = threads.submit(llm.complete, [ask()] * 3)
        until(lambda: server.active == 3)
        llm.unload()
        with pytest.raises(RunFailed, match="unloaded while requests were outstanding"):
            batch.result(timeout=10)


def test_an_object_that_is_forgotten_takes_its_thread_with_it(loops):
    with OpenAIServer() as server:
        llm = OpenAILLM(model="m", base_url=server.url, api_key_env=None)
        llm.complete([ask()])
        del llm
        gc.collect()
        assert not loops()


@pytest.fixture
def interruptible():
    """A shell that starts tests in the background has them ignore interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_cancels_the_requests(make):
    with OpenAIServer(lambda body, n: "Here." if body["seed"] else fake.hang) as server:

        def interrupt():
            until(lambda: server.active == 5)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

        llm = make(server.url)
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            llm.complete([ask(seed=0)] * 5)
        until(lambda: server.active == 0)
        assert llm.complete([ask(seed=1)])[0].text == "Here."


def test_an_interrupt_while_the_requests_are_handed_over_cancels_them(make, monkeypatch):
    """On a busy machine they can be under way before the call that starts them has returned."""
    call, interrupts = asyncio.BaseEventLoop.call_soon_threadsafe, []

    def interrupted(loop, *what, **how):
        handle = call(loop, *what, **how)
        if not interrupts and threading.current_thread() is threading.main_thread():
            interrupts.append(True)
            until(lambda: server.active == 5)
            raise KeyboardInterrupt
        return handle

    with OpenAIServer(lambda body, n: "Here." if body["seed"] else fake.hang) as server:
        llm = make(server.url)
        monkeypatch.setattr(asyncio.BaseEventLoop, "call_soon_threadsafe", interrupted)
        with pytest.raises(KeyboardInterrupt):
            llm.complete([ask(seed=0)] * 5)
        until(lambda: server.active == 0)
        assert llm.complete([ask(seed=1)])[0].text == "Here."


def test_a_forked_child_makes_its_own_loop(make):
    with OpenAIServer() as server:
        llm = make(server.url)
        llm.complete([ask()])
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            answered = llm.complete([ask()])[0].text is not None
            os._exit(0 if answered else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert llm.complete([ask()])[0].text is not None


@pytest.fixture
def with_key(make, monkeypatch):
    monkeypatch.setenv("A_KEY", KEY + "\n")
    return lambda url, **changes: make(url, api_key_env="A_KEY", **changes)


def test_the_key_is_sent_and_shown_nowhere(with_key, caplog):
    with OpenAIServer(key=KEY) as server, caplog.at_level(logging.DEBUG):
        llm = with_key(server.url)
        assert llm.complete([ask()])[0].text == "Reply 0."
        shown = [repr(llm), str(llm), llm.model_dump_json(), json.dumps(llm.dump()), caplog.text]
        shown += [repr(vars(llm)), repr(llm.__pydantic_private__), repr(llm._requests.__dict__)]
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert not any(KEY in text for text in shown)


def test_a_refused_key_stops_the_run_and_is_not_quoted(with_key):
    with OpenAIServer(key="another") as server:
        llm = with_key(server.url)
        with pytest.raises(BadInput) as caught:
            llm.complete([ask()])
        with pytest.raises(BadInput) as checked:
            llm.check()
    assert str(caught.value) == str(checked.value)
    assert str(caught.value) == (
        f"{server.url} refused the key in $A_KEY (401): Incorrect API key provided: ***."
    )


@pytest.mark.parametrize("echo", [KEY, KEY[:20] + "...", f"x={KEY}&y"])
def test_an_echoed_key_reaches_no_record(with_key, echo):
    for code in (400, 500):
        with OpenAIServer(lambda body, n, code=code: fake.status(code, f"Got {echo}")) as server:
            (completion,) = with_key(server.url, max_attempts=2).complete([ask()])
        assert KEY[:12] not in repr(completion)
        assert "Got " in completion.detail
    echoed = {"error": {"message": f"Got {echo}"}}
    with OpenAIServer(lambda body, n: echoed) as server:
        (completion,) = with_key(server.url, max_attempts=2).complete([ask()])
    assert KEY[:12] not in repr(completion)
    assert completion.failures[0].startswith("no choices: Got ")


def test_a_missing_key(monkeypatch):
    monkeypatch.delenv("NO_KEY", raising=False)
    llm = OpenAILLM(model="m", api_key_env="NO_KEY")
    with pytest.raises(BadInput, match=r"^\$NO_KEY is not set"):
        llm.load()
    with pytest.raises(BadInput, match=r"^\$NO_KEY is not set"):
        llm.complete([ask()])
    monkeypatch.setenv("NO_KEY", "two\nlines")
    with pytest.raises(BadInput, match=r"^\$NO_KEY holds characters") as caught:
        llm.load()
    assert "two" not in str(caught.value)


def test_check(make):
    with OpenAIServer() as server:
        make(server.url).check()
        make(server.url.removesuffix("/v1") + "/v2/").check()
    with pytest.raises(RunFailed, match=f"^cannot reach {server.url}: .*Connection refused$"):
        make(server.url).check()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"base_url": "localhost:8000/v1"}, "base_url is not an address"),
        ({"base_url": "https://h:99999/v1"}, "base_url is not an address"),
        ({"base_url": f"https://user:{KEY}@h/v1"}, "base_url contains a password"),
        ({"extra_body": {"stream": True}}, "extra_body cannot"),
        ({"extra_body": {"x": object()}}, "extra_body is not JSON"),
    ],
)
def test_bad_settings(setting, words):
    with pytest.raises(BadInput, match=words) as caught:
        OpenAILLM(model="m", **setting)
    assert KEY not in str(caught.value)


def test_a_key_in_the_recipe_is_refused_and_not_quoted():
    with pytest.raises(ValueError, match="api_key") as caught:
        OpenAILLM(model="m", api_key=KEY)
    assert KEY not in str(caught.value)


def test_distilabel_can_write_it_down_and_ask_it(make):
    with OpenAIServer() as server:
        llm = make(server.url, extra_body={"top_k": 5})
        assert OpenAILLM.from_dict(json.loads(json.dumps(llm.dump()))).dump() == llm.dump()
        assert pickle.loads(pickle.dumps(llm)).complete([ask()])[0].text == "Reply 0."
        (output,) = llm.generate_outputs([[{"role": "user", "content": "Hello"}]])
    assert output["generations"] == ["Reply 1."]


def test_a_server_in_another_process(make):
    with fake.server_process("--critic") as url:
        (completion,) = make(url).complete([ask("Name a color.")])
    assert completion.text.endswith("Name a color.")

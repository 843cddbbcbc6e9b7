"""The request loop over real HTTP: rate limits, and what stops a run."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from builders.errors import BadInput, RunFailed
from tests import openai_server as fake
from tests.openai_client import ask, until
from tests.openai_server import OpenAIServer


def test_rate_limits_are_waited_out_beyond_the_attempts_for_other_failures(once):
    completion, _ = once(*[fake.status(429)] * 10, fake.status(500), "Here.", max_attempts=2)
    assert completion.text == "Here."
    assert completion.failures == ("429",) * 10 + ("HTTP 500",)


def test_retry_after_is_part_of_the_latency(once):
    completion, _ = once(fake.status(429, headers={"Retry-After": "0.2"}), "Here.")
    assert completion.text == "Here."
    assert completion.latency >= 0.2


def test_a_burst_of_refusals_lowers_the_limit_once(make):
    refused = []

    def reply(body, n):
        if body["seed"] >= 16 or body["seed"] in refused:
            return "Here."
        refused.append(body["seed"])
        return fake.status(429)

    with OpenAIServer(reply) as server:
        llm = make(server.url, in_flight=16)
        completions = llm.complete([ask(seed=n) for n in range(24)])
    assert {c.text for c in completions} == {"Here."}
    # Halved once, and raised by one for each 8 and then 9 successes.
    assert llm._requests._limit.limit == 10


def test_endless_rate_limits_stop_the_run(make):
    with OpenAIServer(lambda body, n: fake.status(429, "Slow down.")) as server:
        with pytest.raises(RunFailed, match=r"rate limited, 5 refusals .*429.*: Slow down"):
            make(server.url, max_throttled=5).complete([ask()])
        assert len(server.requests) == 5


def test_a_wait_of_a_day_stops_the_run(make):
    day = fake.status(429, "Daily limit.", headers={"Retry-After": "86400"})
    with (
        OpenAIServer(lambda body, n: day) as server,
        pytest.raises(RunFailed, match=r"asks to wait 86400 s .*Daily limit"),
    ):
        make(server.url).complete([ask()])


def test_a_used_up_quota_stops_the_run_at_once(make):
    quota = fake.status(429, "You exceeded your current quota.", "insufficient_quota")
    with OpenAIServer(lambda body, n: quota) as server:
        with pytest.raises(RunFailed, match=r"quota is used up .*You exceeded your current"):
            make(server.url).complete([ask()])
        assert len(server.requests) == 1


def test_nobody_there(make):
    url = fake.unused_url()
    with pytest.raises(RunFailed) as caught:
        make(url, max_attempts=3).complete([ask()])
    assert str(caught.value) == (
        f"cannot reach {url}: cannot connect: Connection refused (3 attempts);"
        " the same command continues the run"
    )


def test_https_where_http_is_spoken(make):
    with OpenAIServer() as server:
        url = server.url.replace("http:", "https:")
        with pytest.raises(RunFailed, match=f"^cannot reach {url}: .*TLS handshake failed"):
            make(url, max_attempts=2).complete([ask()])


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (fake.status(401, "Bad key."), BadInput, r"needs a key, set api_key_env \(401\): Bad key"),
        (fake.status(403, "No access."), BadInput, r"\(403\): No access"),
        (fake.status(404, "No such model."), BadInput, r"no model 'test-model' .*404.*No such"),
        (fake.status(402, "Top up."), RunFailed, r"payment required \(402\): Top up"),
        (
            fake.raw(b"", 308, headers={"Location": "https://elsewhere/v1"}),
            BadInput,
            r"redirects to https://elsewhere/v1 \(308\)",
        ),
        (
            fake.status(400, "'temperature' must be 1.", "unsupported_value"),
            BadInput,
            r"refuses this value of temperature; null sends none \(400\): 'temperature'",
        ),
    ],
)
def test_errors_that_every_request_would_meet(make, fault, error, words):
    def reply(body, n):
        return fault if body["seed"] == 9 else fake.hang

    with OpenAIServer(reply) as server:
        with pytest.raises(error, match=words) as caught:
            make(server.url).complete([ask(seed=n) for n in range(10)])
        until(lambda: server.active == 0)
    assert server.url in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__context__ is None


def test_such_an_error_stops_every_thread_and_the_object_can_be_used_again(make):
    def reply(body, n):
        return {1: fake.status(401), 2: "Here."}.get(body["seed"], fake.hang)

    with OpenAIServer(reply) as server, ThreadPoolExecutor(3) as threads:
        llm = make(server.url)
        waiting = [threads.submit(llm.complete, [ask(seed=0)] * 3) for _ in range(2)]
        until(lambda: server.active == 6)
        with pytest.raises(BadInput):
            llm.complete([ask(seed=1)])
        for batch in waiting:
            with pytest.raises(BadInput, match="401"):
                batch.result(timeout=10)
        assert llm.complete([ask(seed=2)])[0].text == "Here."

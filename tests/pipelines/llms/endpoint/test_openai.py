"""The request loop over real HTTP: bodies, answers, dialects, attempts."""

import json
import logging

import pytest

from tests import openai_server as fake
from tests.openai_client import SCHEMA, ask
from tests.openai_server import OpenAIServer


def test_every_request_is_answered_in_order(make):
    def reply(body, n):
        return body["messages"][0]["content"].upper()

    with OpenAIServer(reply, latency=fake.lognormal(0.002)) as server:
        completions = make(server.url).complete([ask(f"question {n}") for n in range(200)])
    assert [completion.text for completion in completions] == [f"QUESTION {n}" for n in range(200)]
    assert {(c.attempts, c.failures, c.reason) for c in completions} == {(1, (), None)}
    assert make(server.url).complete([]) == []


def test_what_is_sent(make):
    with OpenAIServer() as server:
        make(server.url, temperature=0.7, max_new_tokens=64).complete([ask(seed=5)])
        make(server.url, top_p=0.9, extra_body={"top_k": 20, "seed": 1}).complete([ask(seed=5)])
    assert server.requests == [
        {
            "model": "test-model",
            "messages": [{"role": "user", "content": "Why is the sky blue?"}],
            "temperature": 0.7,
            "max_tokens": 64,
            "seed": 5,
        },
        {
            "model": "test-model",
            "messages": [{"role": "user", "content": "Why is the sky blue?"}],
            "temperature": 0.0,
            "max_tokens": 512,
            "seed": 1,
            "top_p": 0.9,
            "top_k": 20,
        },
    ]
    assert "Authorization" not in server.headers[0]


def test_a_schema_is_sent_only_where_it_is_wanted(once):
    format_ = {"name": "critique", "strict": True, "schema": SCHEMA}
    request = ask(json_schema=SCHEMA)
    assert once("ok", request=request, structured_output=True)[1][0]["response_format"] == {
        "type": "json_schema",
        "json_schema": format_,
    }
    assert "response_format" not in once("ok", request=request)[1][0]
    assert "response_format" not in once("ok", structured_output=True)[1][0]


def test_what_is_read(once):
    completion, _ = once(fake.answer("Rayleigh scattering.", {"messages": [{"content": "a b"}]}))
    assert (completion.text, completion.finish_reason) == ("Rayleigh scattering.", "stop")
    assert (completion.tokens_in, completion.tokens_out) == (2, 2)
    assert once(fake.cut_off("Because"))[0].finish_reason == "length"
    assert len(once(fake.long())[0].text) == 100_000
    without_usage = fake.answer("ok") | {"usage": None}
    assert once(without_usage)[0].estimated == ("tokens_in", "tokens_out")
    parts = [{"type": "text", "text": "Two "}, {"type": "text", "text": "parts."}]
    assert once(fake.answer("x") | {"choices": [{"message": {"content": parts}}]})[0].text == (
        "Two parts."
    )
    completion, _ = once("<think>hm</think>Yes.")
    assert (completion.text, completion.reasoning) == ("Yes.", "hm")


def test_odd_encodings(once):
    assert once(fake.dribble("Grüße, one byte at a time"))[0].text == "Grüße, one byte at a time"
    assert once(fake.invalid_utf8(b"caf\xe9 \xff"))[0].text == "caf\ufffd \ufffd"
    lone = json.dumps(fake.answer("a \ud800 b \U0001f600")).encode()
    text = once(fake.raw(lone))[0].text
    assert text == "a \ufffd b \U0001f600"
    completion, requests = once("ok", request=ask("lone \udfff surrogate"))
    assert completion.text == "ok"
    assert requests[0]["messages"][0]["content"] == "lone \ufffd surrogate"


def test_no_answer_on_purpose(once):
    completion, requests = once(fake.refusal("I cannot\nhelp with that."))
    assert (completion.text, completion.reason) == (None, "refusal")
    assert completion.detail == "I cannot help with that."
    assert len(requests) == 1
    completion, requests = once(fake.filtered())
    assert (completion.text, completion.reason) == (None, "content_filtered")
    assert len(requests) == 1


def test_all_tokens_spent_on_thinking_is_a_truncated_answer(once):
    completion, requests = once(fake.answer(None, finish_reason="length"))
    assert (completion.text, completion.reason) == (None, "reply_truncated")
    assert completion.finish_reason == "length"
    assert len(requests) == 1


def test_max_completion_tokens_is_found_out_once(make):
    refused = fake.status(
        400,
        "Unsupported parameter: 'max_tokens' is not supported with this model."
        " Use 'max_completion_tokens' instead.",
        "unsupported_parameter",
    )
    with OpenAIServer(
        lambda body, n: refused if "max_tokens" in body else "Fine.", latency=0.01
    ) as server:
        llm = make(server.url, in_flight=8, max_attempts=1, max_new_tokens=77)
        assert {c.text for c in llm.complete([ask(seed=n) for n in range(30)])} == {"Fine."}
        assert sum("max_tokens" in body for body in server.requests) == 8
        assert server.requests[-1]["max_completion_tokens"] == 77
        assert llm.complete([ask()])[0].attempts == 1


def test_an_endpoint_without_schemas_gets_none(make, caplog):
    refused = fake.status(400, "Unknown field: response_format")
    with OpenAIServer(
        lambda body, n: refused if "response_format" in body else "Fine.", latency=0.01
    ) as server:
        llm = make(server.url, structured_output=True, in_flight=4)
        with caplog.at_level(logging.WARNING):
            completions = llm.complete([ask(seed=n, json_schema=SCHEMA) for n in range(12)])
    assert {c.text for c in completions} == {"Fine."}
    assert sum("response_format" in body for body in server.requests) == 4
    assert len(caplog.records) == 1
    assert "takes no response_format" in caplog.text


@pytest.mark.parametrize("code", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_statuses_that_may_pass(once, code):
    completion, requests = once(fake.status(code), fake.status(code), "Here.")
    assert completion.text == "Here."
    assert completion.attempts == len(requests) == 3
    assert completion.failures == (("429" if code == 429 else f"HTTP {code}"),) * 2


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (fake.reset, "connection reset"),
        (fake.html(), "body is HTML"),
        (fake.html(502), "HTTP 502"),
        (fake.truncated_json(), "body is not JSON"),
        (fake.cut_body(), "body is cut short"),
        (fake.raw(b""), "body is empty"),
        (fake.raw(b"[]"), "body is not a JSON object"),
        (fake.empty_choices(), "no choices"),
        (fake.null_content(), "content is null"),
        ({"error": {"message": "Upstream is busy", "code": 503}}, "HTTP 503"),
    ],
)
def test_faults_that_may_pass(once, fault, failure):
    completion, _ = once(fault, "Here.")
    assert (completion.text, completion.attempts) == ("Here.", 2)
    assert completion.failures == (failure,)


def test_a_hung_request_is_abandoned(once):
    completion, _ = once(fake.hang, "Here.", deadline=0.25)
    assert completion.text == "Here."
    assert completion.failures == ("timeout after 0.25 s",)


def test_one_bad_row_costs_no_other(make):
    def reply(body, n):
        return fake.status(500, "Out of\nmemory") if body["seed"] == 3 else "Fine."

    with OpenAIServer(reply) as server:
        completions = make(server.url, max_attempts=4).complete([ask(seed=n) for n in range(10)])
    assert [c.text for c in completions] == ["Fine."] * 3 + [None] + ["Fine."] * 6
    bad = completions[3]
    assert (bad.reason, bad.attempts, bad.failures) == ("call_failed", 4, ("HTTP 500",) * 4)
    assert bad.detail == "HTTP 500: Out of memory (the last of 4 failures)"


def test_tokens_of_useless_replies_are_counted(once):
    useless = fake.null_content() | {"usage": {"prompt_tokens": 10, "completion_tokens": 3}}
    useful = fake.answer("ok") | {"usage": {"prompt_tokens": 10, "completion_tokens": 4}}
    completion, _ = once(useless, useful)
    assert (completion.tokens_in, completion.tokens_out) == (20, 7)


@pytest.mark.parametrize("code", [400, 413, 422])
def test_a_rejected_row_is_not_sent_again(once, code):
    completion, requests = once(fake.status(code, "messages: bad role"))
    assert (completion.text, completion.reason) == (None, "call_failed")
    assert completion.detail == f"HTTP {code}: messages: bad role"
    assert completion.failures == (f"HTTP {code}",)
    assert len(requests) == 1


def test_reasons_of_rejected_rows(once):
    too_long = fake.status(400, "This model's maximum context length is 8192 tokens.")
    assert once(too_long)[0].reason == "context_exceeded"
    by_code = fake.status(400, "Too big.", "context_length_exceeded")
    assert once(by_code)[0].reason == "context_exceeded"
    blocked = fake.status(400, "The response was filtered.", "content_filter")
    assert once(blocked)[0].reason == "content_filtered"


def test_a_body_of_more_than_20_mb(once):
    completion, requests = once(fake.raw(b" " * 20_000_001))
    assert (completion.reason, completion.detail) == ("call_failed", "body is too large")
    assert len(requests) == 1

"""Reading replies: whatever a body holds, there is an outcome and never an exception."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.llms.endpoint.http_replies import (
    AnsweredRequest,
    FailedRequest,
    RejectedRequest,
    read_choices,
    read_reply,
    rejection_reason,
    retry_after,
)
from pipelines.llms.endpoint.text import one_line
from pipelines.llms.endpoint.token_counts import MAX_TOKENS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def read(data, status=200):
    return read_reply(status, json.dumps(data).encode(), {})


@given(status=st.integers(200, 599), body=st.binary())
def test_any_bytes(status, body):
    assert isinstance(
        read_reply(status, body, {}), AnsweredRequest | FailedRequest | RejectedRequest
    )


@given(data=st.data())
def test_any_values_in_the_right_places(data):
    value = st.one_of(JSON, st.lists(JSON, max_size=2))
    names = ("content", "refusal", "reasoning_content", "reasoning")
    message = {name: data.draw(value) for name in names}
    choice = {"message": message, "finish_reason": data.draw(value)}
    usage = {"prompt_tokens": data.draw(value), "completion_tokens": data.draw(value)}
    usage["completion_tokens_details"] = data.draw(value | st.builds(dict, reasoning_tokens=value))
    outcome = read({"choices": [choice], "usage": usage})
    assert isinstance(outcome, AnsweredRequest | FailedRequest)
    assert 0 <= outcome.tokens_in <= MAX_TOKENS
    if isinstance(outcome, AnsweredRequest):
        (outcome.text or "").encode()
        (outcome.reasoning or "").encode()
        assert outcome.tokens_reasoning is None or 0 < outcome.tokens_reasoning <= MAX_TOKENS


def thinking(*thoughts, tokens=None, name="reasoning_content"):
    """The reply of a reasoning model with one choice for each thought."""
    choices = [{"message": {"content": "Yes.", name: thought}} for thought in thoughts]
    usage = {"completion_tokens": 90, "completion_tokens_details": {"reasoning_tokens": tokens}}
    body = json.dumps({"choices": choices, "usage": usage}).encode()
    outcomes = read_choices(200, body, {}, len(thoughts))
    return [(one.text, one.reasoning, one.tokens_reasoning) for one in outcomes]


def test_a_models_thinking_is_kept_apart_from_its_answer():
    assert thinking("Hm \ud800", tokens=60) == [("Yes.", "Hm \ufffd", 60)]
    assert thinking("\nHm\n", name="reasoning") == [("Yes.", "Hm", None)]
    # Some servers send a blank one where the model was told not to think.
    assert thinking("\n\n", tokens=None) == [("Yes.", None, None)]
    # Endpoints that keep the thinking to themselves still count it.
    assert thinking(None, tokens=60) == [("Yes.", None, 60)]
    assert thinking(None, tokens=0) == thinking("", tokens=None) == [("Yes.", None, None)]


def test_the_tokens_of_several_thoughts_are_shared_out_by_length():
    assert thinking("a" * 30, "b" * 10, None, tokens=80) == [
        ("Yes.", "a" * 30, 60),
        ("Yes.", "b" * 10, 20),
        ("Yes.", None, None),
    ]


@given(error=JSON, status=st.sampled_from([200, 400, 429, 500]))
def test_any_value_as_an_error(error, status):
    for body in ({"error": error}, {"error": {"message": error, "code": error}}, error):
        outcome = read(body, status)
        assert isinstance(outcome, AnsweredRequest | FailedRequest | RejectedRequest)
        if isinstance(outcome, RejectedRequest):
            one_line(outcome.message).encode()


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 2000, b"1" * 5000, b"\xef\xbb\xbf{}"])
def test_bodies_that_parsers_choke_on(body):
    assert isinstance(read_reply(200, body, {}), FailedRequest)
    assert isinstance(read_reply(500, body, {}), RejectedRequest)


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        ({"error": {"message": "m", "type": "T", "code": "C"}}, "m", "c t"),
        ({"error": {"message": "m", "type": None, "code": 400}}, "m", ""),
        ({"error": "model 'x' not found"}, "model 'x' not found", ""),
        ({"object": "error", "message": "m", "type": "BadRequestError"}, "m", "badrequesterror"),
        ({"detail": [{"loc": ["body"], "msg": "m"}]}, '[{"loc": ["body"], "msg": "m"}]', ""),
        ("just text", "just text", ""),
    ],
)
def test_the_shapes_of_errors(body, message, code):
    rejected = read(body, 400)
    assert (rejected.message, rejected.code) == (message, code)


def test_an_error_page_is_named_by_its_title():
    page = b"<html><title>502 Bad Gateway</title><body>x</body></html>"
    assert read_reply(502, page, {}).message == "502 Bad Gateway"
    assert read_reply(502, b"upstream \xff gone", {}).message == "upstream \ufffd gone"


@pytest.mark.parametrize(
    ("status", "message", "code", "reason"),
    [
        (400, "This model's maximum context length is 4096 tokens.", "", "context_exceeded"),
        (400, "", "context_length_exceeded", "context_exceeded"),
        (400, "the request exceeds the available context size", "", "context_exceeded"),
        (400, "The decoder prompt is longer than the maximum model length", "", "context_exceeded"),
        (400, "prompt is too long: 210000 tokens > 200000 maximum", "", "context_exceeded"),
        (422, "`inputs` tokens + `max_new_tokens` must be <= 4096", "", "context_exceeded"),
        (413, "Too many tokens in the request", "", "context_exceeded"),
        (400, "filtered due to Azure's content management policy", "", "content_filtered"),
        (403, "requires moderation and your input was flagged", "", "content_filtered"),
        (403, "no access to a context length of 1M", "", None),
        (400, "messages must not be empty", "", None),
        (413, "Request Entity Too Large", "", None),
        (500, "maximum context length", "", None),
    ],
)
def test_rejections_of_one_row(status, message, code, reason):
    assert rejection_reason(RejectedRequest(status, message, code)) == reason


NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"Retry-After-Ms": "250", "Retry-After": "1"}, 0.25),
        ({"Retry-After": "Thu, 01 Jan 2026 12:00:30 GMT"}, 30.0),
        ({"Retry-After": "Thu, 01 Jan 2026 11:00:00 GMT"}, 0.0),
        (
            {
                "Retry-After": "Thu, 01 Jan 2026 09:00:10 GMT",
                "Date": "Thu, 01 Jan 2026 09:00:00 GMT",
            },
            10.0,
        ),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "inf"}, None),
    ],
)
def test_how_long_to_wait(headers, seconds):
    assert retry_after(headers, NOW) == seconds

"""Endpoints that refuse a field of the request, or want another way in."""

import json
import logging

import pytest

from builders.errors import BadInput
from pipelines.generate.calls import Caller
from pipelines.llms.endpoint.address import Endpoint, base_of
from pipelines.llms.endpoint.http_replies import read_reply, rejection
from pipelines.llms.endpoint.refused_fields import refused_field
from pipelines.llms.store import CompletionStore
from pipelines.recipe.file import parse_recipe
from tests import openai_server as fake
from tests.openai_client import ask
from tests.openai_server import OpenAIServer

OPENAI = {"error": {"message": "Unsupported value.", "param": "seed", "code": "unsupported_value"}}
PYDANTIC = {
    "object": "error",
    "message": {
        "detail": [
            {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not ..."}
        ]
    },
}
FASTAPI = {"detail": [{"loc": ["body", "seed"], "msg": "extra fields not permitted"}]}
GOOGLE = [{"error": {"code": 400, "message": 'Invalid JSON payload. Unknown name "seed": Cannot'}}]
PLAIN = {"message": "Unrecognized request argument supplied: seed"}
ANTHROPIC = {"error": {"message": "seed: Extra inputs are not permitted"}}
SHAPES = [OPENAI, PYDANTIC, FASTAPI, GOOGLE, PLAIN, ANTHROPIC]
SENT = ["temperature", "max_tokens", "seed", "model"]


def refused(body, status=400):
    return fake.raw(json.dumps(body).encode(), status)


@pytest.mark.parametrize("body", SHAPES)
def test_the_field_is_found_in_every_shape_of_error(body):
    assert refused_field(rejection(400, json.dumps(body).encode(), {}), SENT) == "seed"


@pytest.mark.parametrize(
    "message",
    ["System role not supported", "The seeds of doubt are not supported with this model.", "No."],
)
def test_other_words_are_no_field(message):
    assert (
        refused_field(rejection(400, json.dumps({"message": message}).encode(), {}), SENT) is None
    )


@pytest.mark.parametrize("body", SHAPES)
def test_a_refused_seed_is_left_out_with_one_warning_and_null_in_the_ledger(make, caplog, body):
    def reply(request, n):
        return refused(body, 422) if "seed" in request else "Fine."

    with OpenAIServer(reply) as server, caplog.at_level(logging.WARNING):
        llm = make(server.url, in_flight=1)
        rows = [{"id": str(n), "calls": []} for n in range(4)]
        Caller(llm, 0)(rows, [[{"role": "user", "content": "Why?"}]] * 4, step="draft")
        assert sum("seed" in request for request in server.requests) == 1
    assert [row["calls"][0]["seed"] for row in rows] == [None] * 4
    assert caplog.text.count("takes no seed") == 1


@pytest.mark.parametrize(
    ("body", "settings", "key"),
    [
        ({"error": {"message": "Unsupported.", "param": "temperature"}}, {}, "temperature"),
        ({"error": {"message": "'temperature' is not supported"}}, {}, "temperature; null"),
        ({"error": {"message": "max_tokens is too large: 512."}}, {}, "max_new_tokens"),
        ({"message": "unknown field: top_k"}, {"extra_body": {"top_k": 5}}, "extra_body.top_k"),
        ({"error": {"message": "m is not a valid model ID", "code": 400}}, {}, "model"),
        (
            {"message": "chat_template_kwargs: extra fields not permitted"},
            {"chat_template_kwargs": {"enable_thinking": False}},
            "chat_template_kwargs",
        ),
    ],
)
def test_another_refused_field_ends_the_run_at_once_and_names_the_key(make, body, settings, key):
    with OpenAIServer(lambda request, n: refused(body)) as server:
        llm = make(server.url, in_flight=1, **settings)
        with pytest.raises(BadInput, match=f"refuses this value of {key}"):
            llm.complete([ask(seed=n) for n in range(9)])
        assert len(server.requests) <= 2


def test_what_the_recipe_does_not_want_is_not_sent(once):
    settings = {"temperature": None, "top_p": None, "seed": None}
    completion, (body,) = once("Fine.", limit_field="max_completion_tokens", **settings)
    assert set(body) == {"model", "messages", "max_completion_tokens"}
    assert not completion.seeded
    _, (body,) = once("Fine.", chat_template_kwargs={"enable_thinking": False})
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


def test_answers_without_a_seed_are_stored_by_the_seed_that_they_would_have_had(make, tmp_path):
    with OpenAIServer() as server:
        llm = make(server.url, seed=None)
        llm.keep_in(CompletionStore(tmp_path / "responses.sqlite"))
        texts = {llm.complete([ask(seed=seed)])[0].text for seed in (1, 2, 1)}
    assert texts == {"Reply 0.", "Reply 1."}


def test_a_recipe_without_the_new_keys_is_the_same_recipe():
    block = {"kind": "openai", "model": "m"}
    new = {"chat_template_kwargs": {}, "seed": "row", "limit_field": "max_tokens", "headers": {}}
    values = {"name": "n", "instructions": [{"builtin": "stage1"}], "drafts": block}
    plain = parse_recipe({**values, "critic": block}, "test")
    assert parse_recipe({**values, "critic": {**block, **new}}, "test").sha256 == plain.sha256
    assert not new.keys() & plain.identity()["critic"].keys()
    other = parse_recipe({**values, "critic": {**block, "seed": None}}, "test")
    assert other.sha256 != plain.sha256


def test_headers_come_from_the_environment_and_are_not_printed(make, monkeypatch):
    monkeypatch.setenv("AZURE_KEY", "k-azure-1234")
    with OpenAIServer(lambda body, n: fake.status(401, "Bad k-azure-1234")) as server:
        llm = make(server.url, headers={"api-key": "AZURE_KEY"})
        with pytest.raises(BadInput, match=r"refused the key in \$AZURE_KEY .*Bad \*\*\*"):
            llm.complete([ask()])
        assert server.headers[0]["api-key"] == "k-azure-1234"
    with pytest.raises(BadInput, match=r"\$NO_SUCH_VARIABLE is not set"):
        make("http://localhost/v1", headers={"api-key": "NO_SUCH_VARIABLE"})
    with pytest.raises(BadInput, match="name the environment variable"):
        make("http://localhost/v1", headers={"api-key": "k-azure/1234"})


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("https://x/v1", "https://x/v1"),
        ("https://x/v1/", "https://x/v1"),
        ("https://x/v1/chat/completions", "https://x/v1"),
        ("https://x/d/chat/completions/?api-version=1", "https://x/d?api-version=1"),
    ],
)
def test_an_address_may_be_that_of_chat_completions(address, base):
    assert str(base_of(address)) == base
    assert Endpoint(base_of(address)).path("chat/completions").path.endswith("/chat/completions")


def test_a_proxy_needs_no_scheme_and_cannot_be_socks(monkeypatch):
    endpoint = Endpoint(base_of("https://api.example.com/v1"))
    monkeypatch.setenv("HTTPS_PROXY", "10.0.0.1:3128")
    assert endpoint.proxy() == "http://10.0.0.1:3128"
    monkeypatch.setenv("HTTPS_PROXY", "socks5://10.0.0.1:1080")
    with pytest.raises(BadInput, match=r"speaks socks5, which is not supported.*\$NO_PROXY"):
        endpoint.proxy()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_list_of_models_does_not_end_a_run_that_can_chat(make, status):
    def chat(body, n):
        return "Fine." if body["messages"] else fake.status(400, "messages is too short")

    with OpenAIServer(chat) as server:
        server._models = fake.status(status, "Missing Authentication Token")
        with_models = make(server.url)
        with_models.check()
        assert with_models.complete([ask()])[0].text == "Fine."


def test_an_event_stream_that_nobody_asked_for_is_read():
    events = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "reasoning_content": "Hm."}}]},
        {"choices": [{"index": 0, "delta": {"content": "Yes"}}]},
        {"choices": [{"index": 0, "delta": {"content": "."}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    ]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    outcome = read_reply(200, body.encode(), {})
    assert (outcome.text, outcome.reasoning, outcome.finish_reason) == ("Yes.", "Hm.", "stop")
    assert (outcome.tokens_in, outcome.tokens_out) == (3, 2)
    failed = read_reply(200, b'data: {"error": {"message": "overloaded"}}\n\n', {})
    assert "overloaded" in failed.failure

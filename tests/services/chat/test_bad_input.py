"""Whatever a client sends, it gets an error in OpenAI's shape, and the server goes on."""

import json
import socket
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chat.errors import ChatError
from services.chat.fields import read_request

USER = {"role": "user", "content": "Hi"}


def error_of(response, status):
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert "\n" not in error["message"]
    return error


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": [3]}, "messages[0]"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        ({"messages": [{"role": "king", "content": "Hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "Hi"}]}, "messages[0].role"),
        ({"messages": [USER, {"role": "assistant", "content": "Hi"}]}, "messages[1].role"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]},
            "messages[0].content[0].type",
        ),
        ({"model": None}, "model"),
        ({"model": 3}, "model"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"n": "2"}, "n"),
        ({"n": True}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_completion_tokens"),
        ({"temperature": -1}, "temperature"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": 2}, "top_p"),
        ({"stop": 3}, "stop"),
        ({"stop": [3]}, "stop[0]"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"seed": "x"}, "seed"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": "usage"}, "stream_options"),
        ({"stream_options": {"include_usage": 3}}, "stream_options.include_usage"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"logprobs": True}, "logprobs"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
    ],
    ids=str,
)
def test_a_wrong_field_is_named(chat, fields, param):
    error = error_of(chat(**fields), 400)
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"
    assert error["message"].startswith(param)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"model": "\\ud800"}', b"[" * 100_000, b"GET /"],
    ids=["nothing", "cut", "null", "list", "bytes", "surrogate", "deep", "http"],
)
def test_garbage(http, body):
    assert "JSON" in error_of(http.post("/v1/chat/completions", content=body), 400)["message"]


def test_a_huge_body_is_bounded(http, server, chat):
    def endless():
        for _ in range(1_000):
            yield b" " * 2**20

    body = b" " * (8 * 2**20 + 1)
    assert "8 MiB" in error_of(http.post("/v1/chat/completions", content=body), 413)["message"]
    # One that does not say how long it is may be refused while it is sent.
    address = urlsplit(server)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        try:
            for chunk in endless():
                connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                sent += len(chunk)
        except OSError:
            pass
        assert sent < 200 * 2**20
    assert chat().status_code == 200


def test_other_models_paths_and_methods(http, chat):
    error = error_of(chat(model="gpt-4"), 404)
    assert (error["param"], error["code"]) == ("model", "model_not_found")
    assert "org/repeater" in error["message"]
    error_of(http.get("/v1/models/gpt-4"), 404)
    error_of(http.get("/v2/models"), 404)
    error_of(http.get("/v1/chat/completions"), 405)
    error_of(http.post("/v1/completions", json={}), 404)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Host": "127.0.0.1.attacker.example"},
        {"Host": "[::1"},
        {"Host": ""},
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_only_this_machine_is_served(http, headers):
    error_of(http.get("/v1/models", headers=headers), 403)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1234", "[::1]:8200"])
def test_names_of_this_machine(http, host):
    assert http.get("/v1/models", headers={"Host": host}).status_code == 200


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-3, 2**70) | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
    .map(lambda value: json.dumps(value).encode())
    .flatmap(
        lambda value: st.sampled_from(
            [
                value,
                b'{"model": "m", "messages": %b}' % value,
                b'{"model": "m", "messages": [{"role": "user", "content": %b}]}' % value,
                b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "stop": %b}'
                % value,
                b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "seed": %b}'
                % value,
            ]
        )
    )
)
def test_any_json_is_a_request_or_an_error(body):
    try:
        asked = read_request(body).asked()
    except ChatError as error:
        status, asked = error.status, []
    else:
        status = 400
    assert status == 400
    assert all(0 <= one.seed < 2**31 for one in asked)

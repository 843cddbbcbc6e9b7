"""Connecting to a server, and the message if that fails."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.errors import BadInput, RunFailed, SrtError
from pipelines.review import server as server_module
from pipelines.review.server import checked_key, checked_url, connect
from tests.argilla import ask
from tests.pipelines.review.gateway import Gateway

pytestmark = pytest.mark.xdist_group("argilla")


@pytest.fixture(autouse=True)
def _settings(argilla_server, monkeypatch):
    """What an owner of the server has set; no test waits between attempts."""
    for name, value in argilla_server.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(server_module, "_WAITS_S", (0.0, 0.0))


def refused(error, *words):
    """That it is one line with these words, and does not tell the key."""
    text = str(error.value)
    assert "\n" not in text
    assert all(word in text for word in words), text
    return text


def test_the_owner_is_let_in(argilla_server):
    server = connect()
    assert (server.url, server.user, server.role) == (argilla_server.url, "owner", "owner")
    assert server.version.startswith("2.8.")
    assert server.warning is None
    assert argilla_server.api_key not in repr(server)
    assert server.request("GET", "me")["username"] == "owner"


def test_an_address_that_is_named_comes_before_the_environments(argilla_server, monkeypatch):
    monkeypatch.setenv("ARGILLA_API_URL", "http://localhost:1")
    monkeypatch.setenv("ARGILLA_API_KEY", f" {argilla_server.api_key}\n")
    assert connect(f"{argilla_server.url}/ ").url == argilla_server.url


def test_an_admin_is_let_in_and_an_annotator_is_not(argilla_server, monkeypatch):
    owner = connect()
    for role in ("admin", "annotator"):
        account = {"first_name": "x", "password": "a-password", "role": role}
        user = owner.request("POST", "users", body={"username": f"server-{role}", **account})
        monkeypatch.setenv("ARGILLA_API_KEY", user["api_key"])
        if role == "admin":
            assert connect().role == "admin"
            with pytest.raises(BadInput) as error:
                connect().request("POST", "workspaces", body={"name": "server-not-mine"})
            refused(error, "server-admin (admin) does not have permission for this; an owner does")
            continue
        with pytest.raises(BadInput) as error:
            connect()
        text = refused(
            error,
            "the key of server-annotator, an annotator; reviews need an owner's or an admin's",
        )
        assert user["api_key"] not in text


def test_without_an_address_or_a_key_a_server_is_offered(monkeypatch):
    for name, words in (
        ("ARGILLA_API_KEY", "ARGILLA_API_KEY is not set"),
        ("ARGILLA_API_URL", "no Argilla address: set --url or ARGILLA_API_URL"),
    ):
        monkeypatch.setenv(name, " ")
        with pytest.raises(BadInput) as error:
            connect()
        refused(error, words, "`srt serve argilla --dir my-argilla`")


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6900",
        "argilla",
        "ftp://localhost",
        "http://",
        "http://[::1",
        "http://localhost:port",
        "http://localhost:99999",
        "http://local host",
        "http://localhost/?a=b",
        "http://localhost#top",
    ],
)
def test_what_is_no_address(url):
    with pytest.raises(BadInput) as error:
        connect(url)
    refused(error, f"{url!r} is not an Argilla address, such as http://localhost:6900")


def test_a_password_in_an_address_is_not_said_again():
    with pytest.raises(BadInput) as error:
        connect("http://me:secret@localhost:6900")
    assert "secret" not in refused(error, "has no name or password in it; set ARGILLA_API_KEY")


@pytest.mark.parametrize("key", ["schlüssel", "two words", "one\ntwo", "nul\0", "’quoted’", "\x7f"])
def test_a_key_with_odd_characters(key, monkeypatch):
    # The environment takes no NUL.
    monkeypatch.setattr(server_module.os, "environ", {"ARGILLA_API_KEY": key})
    with pytest.raises(BadInput) as error:
        connect("http://localhost:6900")
    assert key not in refused(error, "is not an API key, which is one word of ASCII characters")


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_address_and_key_are_taken_or_refused_in_one_line(url, key):
    for check in (lambda: checked_url(url), lambda: checked_key(key, "http://localhost")):
        message = ""
        try:
            assert check().isprintable()
        except BadInput as error:
            message = str(error)
        assert "\n" not in message


def test_nobody_is_there():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(BadInput) as error:
        connect(f"http://127.0.0.1:{port}")
    refused(
        error, f"no Argilla responds at http://127.0.0.1:{port}", "refused", "srt serve argilla"
    )


def test_a_wrong_key(argilla_server, monkeypatch):
    monkeypatch.setenv("ARGILLA_API_KEY", "not-the-key")
    with pytest.raises(BadInput) as error:
        connect()
    text = refused(error, f"{argilla_server.url} does not accept the API key in ARGILLA_API_KEY")
    assert "not-the-key" not in text


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ((200, "<html>welcome</html>"), "is not an Argilla: it responded with 200"),
        ((404, '{"detail": "nothing"}'), "is not an Argilla: it responded with 404"),
        ((200, '["version"]'), "is not an Argilla"),
        ((200, '{"version": 2}'), "is not an Argilla"),
        (
            (308, "https://there.example/api"),
            "redirects to https://there.example/api: use the",
        ),
    ],
)
def test_something_else_is_there(argilla_server, own, words):
    with Gateway(argilla_server.url, lambda _request, _length: own) as gateway:
        with pytest.raises(BadInput) as error:
            connect(gateway.url)
        refused(error, gateway.url, words)


def test_a_pages_address_is_taken_for_what_it_is(argilla_server):
    with pytest.raises(BadInput) as error:
        connect(f"{argilla_server.url}/dataset/x/annotation-mode")
    refused(error, "is not an Argilla", f"did you mean {argilla_server.url}?")


def test_another_version_is_told(argilla_server):
    def older(request, _length):
        return (200, '{"version": "2.7.1"}') if request.endswith("/version") else None

    with Gateway(argilla_server.url, older) as gateway:
        server = connect(gateway.url)
        assert server.warning == (f"{gateway.url} is Argilla 2.7.1; reviews are tested with 2.8")
        assert server.request("GET", "me")["role"] == "owner"


@pytest.mark.parametrize(
    ("own", "kind", "words"),
    [
        ((502, "<html>no</html>"), RunFailed, ("responded with 502", "the same command resumes")),
        ((200, "<html>sign in</html>"), RunFailed, ("did not respond like an Argilla server",)),
        ((429, ""), RunFailed, ("responded with 429", "the same command resumes")),
        ((401, ""), BadInput, ("does not accept the API key in ARGILLA_API_KEY",)),
        ((418, '{"detail": "a\\nteapot"}'), BadInput, ("a teapot",)),
    ],
)
def test_what_a_gateway_may_answer_later(argilla_server, own, kind, words):
    def answer(request, _length):
        return own if request.endswith("/me/workspaces") else None

    with Gateway(argilla_server.url, answer) as gateway:
        server = connect(gateway.url)
        with pytest.raises(SrtError) as error:
            server.request("GET", "me/workspaces")
        assert type(error.value) is kind
        refused(error, *words)
        with pytest.raises(SrtError) as error, server.plain_errors():
            list(server.client.workspaces)
        refused(error, gateway.url)


def test_only_what_may_be_repeated_is(argilla_server):
    def busy(request, _length):
        return (503, "") if "workspaces" in request else None

    with Gateway(argilla_server.url, busy) as gateway:
        server = connect(gateway.url)
        for method, times in (("GET", 3), ("POST", 1)):
            gateway.requests.clear()
            with pytest.raises(RunFailed, match="responded with 503"):
                server.request(method, "workspaces", body={})
            assert len(gateway.requests) == times


def test_what_is_not_there_is_said_as_the_server_says_it(argilla_server):
    with pytest.raises(BadInput) as error:
        connect().request("GET", "datasets/00000000-0000-0000-0000-000000000000")
    refused(error, argilla_server.url, "not found, possibly deleted (Dataset with id `00000000-")
    with pytest.raises(BadInput) as error:
        connect().request("GET", "datasets/x")
    refused(error, "uuid")


def test_a_key_that_is_taken_back_meanwhile(argilla_server, monkeypatch):
    owner = connect()
    account = {"username": "server-leaves", "password": "a-password", "first_name": "x"}
    user = owner.request("POST", "users", body={**account, "role": "admin"})
    monkeypatch.setenv("ARGILLA_API_KEY", user["api_key"])
    server = connect()
    gone = ask(argilla_server.url, argilla_server.api_key, "DELETE", f"users/{user['id']}")
    assert gone.status_code == 200
    with pytest.raises(BadInput) as error:
        server.request("GET", "me/workspaces")
    refused(error, "does not accept the API key in ARGILLA_API_KEY")

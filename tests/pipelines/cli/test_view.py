"""`srt view`: bad arguments are one line, and the browser gets a file of the user's own."""

import socket
import stat
import webbrowser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from builders.errors import BadInput
from pipelines.cli import app
from pipelines.cli.view import _opener
from tests.ledger_rows import ledger_rows, make_run


def view(*arguments):
    return CliRunner().invoke(app, ["view", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run", ledger_rows(20))[0].folder


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "no such folder"),
        (["--filter", "draft_score=high"], "is not a number"),
        (["--filter", "nothing"], "'nothing' is no filter"),
        (["--beside", "nowhere"], "no such folder"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_bad_input(run, arguments, words):
    path = [] if arguments == ["nowhere"] else [run]
    with pytest.raises(BadInput, match=words):
        view(*path, *arguments)


def test_a_port_that_is_taken(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"port {port}: it is in use; choose another"):
            view(run, "--port", port, "--no-open")


def test_the_address_is_in_no_ones_process_list(monkeypatch):
    opened = []
    monkeypatch.setenv("BROWSER", "any")
    monkeypatch.setattr(webbrowser, "open", opened.append)
    address = "http://127.0.0.1:1/secret/#a=1&b=2"
    with _opener() as open_browser:
        open_browser(address)
        (file,) = opened
        assert "secret" not in file
        path = Path(urlsplit(file).path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert 'href="http://127.0.0.1:1/secret/#a=1&amp;b=2"' in path.read_text()
    assert not path.exists()


def test_no_browser_takes_the_terminal_away(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(webbrowser, "open", pytest.fail)
    with _opener() as open_browser:
        open_browser("http://127.0.0.1:1/secret/")

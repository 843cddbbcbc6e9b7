"""`srt serve argilla` as a user runs it: its output, its files, and restarts."""

import signal
import time
from contextlib import ExitStack, suppress

import argilla as rg
import psutil
import pytest
import requests

from tests.argilla import argilla_cache
from tests.served import served, url_of

pytestmark = pytest.mark.xdist_group("argilla")


@pytest.fixture
def serve(tmp_path):
    """A function that starts `srt serve argilla` with these arguments, with captured output."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    own = {"SRT_CACHE": argilla_cache(), "TMPDIR": temporary}
    with ExitStack() as started:
        yield lambda *arguments: started.enter_context(
            served("argilla", *arguments, folder=tmp_path, **own)
        )


def ended(processes):
    """Whether all processes end within a minute."""
    return not psutil.wait_procs(processes, timeout=60)[1]


def connections(processes):
    """The internet connections of the processes.

    The worker forks for each job, so a listed process may have ended in the meantime.
    """
    found = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            found += process.net_connections("inet")
    return found


def test_a_killed_server_starts_again_with_its_data(serve, tmp_path):
    folder = tmp_path / "a folder, 100% ?#"
    process = serve("--dir", folder, "--port", "0")
    url = url_of(process)
    password, key = (folder / f"owner.{name}" for name in ("password", "key"))
    assert process.stdout.readline() == (
        f"sign in as owner with the password {password.read_text()}"
    )
    api_key = key.read_text().strip()
    assert process.stdout.readline() == (
        f"the API key is {api_key}; shown only once, "
        f"both are in {password} and owner.key beside it\n"
    )
    export = process.stdout.readline()
    assert export == f"export ARGILLA_API_URL={url} ARGILLA_API_KEY=\"$(cat '{key}')\"\n"
    assert {path.stat().st_mode & 0o777 for path in (password, key)} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700

    for arguments, words in (
        (("--dir", folder), "another Argilla is serving this folder"),
        (("--dir", "other", "--port", url.rpartition(":")[2]), "choose another with --port"),
    ):
        refused = serve(*arguments)
        out, err = refused.communicate(timeout=60)
        assert (refused.returncode, out, err.count("\n")) == (2, "", 1)
        assert words in err

    assert "<html" in requests.get(url, timeout=60).text
    account = {"username": "owner", "password": password.read_text().strip()}
    token = requests.post(f"{url}/api/v1/token", data=account, timeout=60).json()["access_token"]
    client = rg.Argilla(api_url=url, api_key=api_key)
    rg.Workspace("kept", client=client).create()
    settings = rg.Settings(
        fields=[rg.TextField("text")], questions=[rg.RatingQuestion("score", values=[1, 2])]
    )
    dataset = rg.Dataset("kept", workspace="kept", settings=settings, client=client).create()
    dataset.records.log([rg.Record(id=str(at), fields={"text": f"n {at}"}) for at in range(20)])

    parts = psutil.Process(process.pid).children(recursive=True)
    assert len(parts) >= 3
    ends = {end.ip for each in connections(parts) for end in (each.laddr, each.raddr) if end}
    assert ends == {"127.0.0.1"}
    modes = {path.stat().st_mode & 0o077 for path in folder.glob("argilla.db*")}
    assert modes == {0}
    process.kill()
    assert ended(parts)

    again = serve("--dir", folder, "--port", url.rpartition(":")[2])
    assert url_of(again) == url
    assert again.stdout.readline().startswith("sign in as owner; both are in ")
    assert again.stdout.readline() == export
    kept = rg.Argilla(api_url=url, api_key=api_key).datasets("kept", workspace="kept")
    assert len(list(kept.records(query=rg.Query(query="n")))) == 20

    # Users stay signed in.
    signed_in = {"Authorization": f"Bearer {token}"}
    me = requests.get(f"{url}/api/v1/me", headers=signed_in, timeout=60)
    assert me.json()["role"] == "owner"

    parts = psutil.Process(again.pid).children(recursive=True)
    again.send_signal(signal.SIGINT)
    assert again.communicate(timeout=60) == ("", "")
    assert again.returncode == 0
    assert ended(parts)
    assert not (folder / "tmp").exists()


def test_the_server_ends_if_one_of_its_processes_ends(serve, tmp_path):
    process = serve("--dir", tmp_path / "one", "--port", "0")
    while not (parts := psutil.Process(process.pid).children()):
        time.sleep(0.05)
    parts[0].kill()
    # Its database is made first, which takes minutes on a busy machine.
    out, err = process.communicate(timeout=400)
    assert (process.returncode, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("srt: redis ended unexpectedly: ")
    assert ended(parts)

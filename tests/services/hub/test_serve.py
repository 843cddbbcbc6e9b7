import os
import signal
import subprocess
import sys
from contextlib import ExitStack

import pytest
import requests
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from builders.errors import BadInput
from pipelines.cli.serve import hub as serve_hub
from tests.served import ROOT, served, url_of


@pytest.fixture
def serve(tmp_path):
    """A function that starts `srt serve hub` with these arguments, with captured output."""
    with ExitStack() as started:
        yield lambda *arguments: started.enter_context(served("hub", *arguments, folder=tmp_path))


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_the_environment_and_ends_cleanly(serve, tmp_path, ending):
    token = tmp_path / "a token"
    token.write_text("hf_secret\n")
    process = serve("--dir", "hub", "--port", "0", "--token-file", token)
    url = url_of(process)
    assert process.stdout.readline() == (
        f"export HF_ENDPOINT={url} HF_HUB_DISABLE_XET=1 HF_TOKEN=\"$(cat '{token}')\"\n"
    )
    HfApi(endpoint=url, token="hf_secret").create_repo("org/name")
    with pytest.raises(HfHubHTTPError):
        HfApi(endpoint=url, token=False).create_repo("org/other")
    process.send_signal(ending)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0
    again = serve("--dir", "hub", "--port", "0")
    assert HfApi(endpoint=url_of(again), token=False).list_repo_files("org/name")


def test_a_thread_that_never_ends_does_not_keep_the_server():
    server = """
import asyncio, threading
from aiohttp import web
from services import loopback

async def stuck(_):
    asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)
    return web.Response()

loopback._GRACE_S = 0.1
app = web.Application()
app.add_routes([web.get("/", stuck)])
asyncio.run(loopback.serve_app(app, 0, lambda url: print(url, flush=True)))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", server],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert requests.get(process.stdout.readline().strip(), timeout=60).status_code == 200
    process.terminate()
    process.communicate(timeout=60)


def test_a_start_error_is_one_line(serve, hub, tmp_path):
    port = hub.url.rpartition(":")[2]
    process = serve("--dir", "other", "--port", port)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err == f"srt: port {port}: it is in use; choose another with --port\n"


def test_bad_arguments_are_reported_before_serving(hub, tmp_path):
    file = tmp_path / "file"
    file.write_text("two words")
    for folder, token, read_token, words in (
        (hub.folder, None, None, "another embedded Hub is serving this folder"),
        (file, None, None, "File exists"),
        (tmp_path / "x", file, None, "one word"),
        (tmp_path / "x", tmp_path / "none", None, "cannot read the token"),
        (tmp_path / "x", None, file, "--token-file"),
    ):
        with pytest.raises(BadInput, match=words):
            serve_hub(folder, 0, token, read_token)
    assert not (tmp_path / "x").exists()

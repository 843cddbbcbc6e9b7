"""`srt serve model` as a user runs it, and unmodified clients that ask it."""

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest

from builders.errors import BadInput
from pipelines.cli.serve import Answers
from pipelines.cli.serve import model as serve_model_command
from services.chat.server import bound
from tests.served import served, url_of
from tests.tiny_model import save_tiny_model

LAKE = [{"role": "user", "content": "Name a lake."}]


def ask(url, **fields):
    body = {"model": "scripted", "messages": LAKE, **fields}
    return httpx.post(f"{url}/chat/completions", json=body, timeout=240)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_the_environment_and_ends_cleanly(block, tmp_path, ending):
    with served("model", block(), "--port", 0, folder=tmp_path) as process:
        url = url_of(process)
        line = process.stdout.readline()
        assert line == f"export OPENAI_BASE_URL={url} OPENAI_API_KEY=none  # model=scripted\n"
        code = (
            "import openai; reply = openai.OpenAI().chat.completions.create("
            "model='scripted', seed=7, messages=[{'role': 'user', 'content': 'Name a lake.'}]); "
            "print(reply.choices[0].message.content); print(reply.choices[0].srt['draft'])"
        )
        # As typed: the line that was printed, and then the client.
        shell = f'{line}python -c "{code}"'
        done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=240)
        assert done.stdout == "Draft 7 of 1: Name a lake., more.\nDraft 7 of 1: Name a lake.\n"
        process.send_signal(ending)
        assert process.communicate(timeout=240) == ("", "")
        assert process.returncode == 0


def test_a_signal_while_clients_wait(tmp_path, block):
    path = block("tests.pipelines.serving.test_serve_model:hanging")
    with (
        served("model", path, "--port", 0, folder=tmp_path) as process,
        ThreadPoolExecutor(2) as pool,
    ):
        url = url_of(process)
        waiting = pool.submit(ask, url)
        with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
            assert [model.id for model in client.models.list()] == ["scripted"]
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=240)
        with pytest.raises(httpx.HTTPError):
            waiting.result(240).raise_for_status()
        assert "Traceback" not in process.stderr.read()


def test_killed_and_started_again(block, tmp_path):
    with served("model", block(), "--port", 0, folder=tmp_path) as process:
        url = url_of(process)
        first = ask(url, seed=7).json()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with pytest.raises(httpx.ConnectError):
            ask(url)
    port = url.split(":")[-1].removesuffix("/v1")
    with served("model", block(), "--port", port, folder=tmp_path) as process:
        assert url_of(process) == url
        assert ask(url, seed=7).json()["choices"] == first["choices"]


def test_a_start_error_is_one_line(block, tmp_path):
    with bound(0) as taken:
        port = taken.getsockname()[1]
        with served("model", block(), "--port", port, folder=tmp_path) as process:
            out, err = process.communicate(timeout=240)
    assert (process.returncode, out) == (2, "")
    assert err == f"srt: port {port}: it is in use; choose another with --port\n"


def test_bad_arguments_are_reported_before_serving(block, tmp_path):
    for name, answer, rounds, words in (
        ("nowhere", Answers.refinement, 1, "nowhere: no such model"),
        ("stored", Answers.refinement, 1, "stored: no such model"),
        (str(block()), Answers.draft, 2, "--rounds: a draft is not refined"),
        (str(block("nowhere:nothing")), Answers.refinement, 1, "nowhere:nothing"),
    ):
        with pytest.raises(BadInput, match=words):
            serve_model_command(name, answer, rounds, 512, 0)


def test_openais_client_and_a_model_in_this_process(tmp_path):
    folder = save_tiny_model(tmp_path / "tiny")
    with served("model", folder, "--port", 0, "--max-new-tokens", 60, folder=tmp_path) as process:
        client = openai.OpenAI(base_url=url_of(process), api_key="none", max_retries=0)
        fields = {"model": "tiny", "messages": [{"role": "user", "content": "Hi"}], "seed": 3}
        whole = client.chat.completions.create(**fields, temperature=1.0, n=2)
        for choice in whole.choices:
            assert choice.message.content == choice.srt["draft"].strip()
            assert choice.srt["reason"]
        with client.chat.completions.create(
            **fields, temperature=1.0, n=2, stream=True, stream_options={"include_usage": True}
        ) as stream:
            chunks = list(stream)
        for index in (0, 1):
            parts = [
                one.choices[0].delta.content or ""
                for one in chunks
                if one.choices and one.choices[0].index == index
            ]
            assert "".join(parts) == whole.choices[index].message.content
        assert chunks[-1].usage == whole.usage
        with pytest.raises(openai.BadRequestError, match="too long") as caught:
            client.chat.completions.create(
                model="tiny", messages=[{"role": "user", "content": "x" * 1000}], stream=True
            )
        assert caught.value.code == "context_length_exceeded"


def test_a_draft_is_streamed_token_by_token(tmp_path):
    folder = save_tiny_model(tmp_path / "tiny")
    options = ("--port", 0, "--max-new-tokens", 300, "--answer", "draft")
    with served("model", folder, *options, folder=tmp_path) as process:
        client = openai.OpenAI(base_url=url_of(process), api_key="none", max_retries=0)
        with client.chat.completions.create(
            model="tiny", messages=[{"role": "user", "content": "x" * 90}], stream=True
        ) as stream:
            texts = [chunk.choices[0].delta.content for chunk in stream]
        assert sum(bool(text) for text in texts) > 20


def hanging(messages, seed):
    time.sleep(3600)

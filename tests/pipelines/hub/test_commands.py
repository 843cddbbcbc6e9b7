"""`srt publish` and `srt verify` as they are typed, each in a process of its own."""

import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from huggingface_hub import constants

from builders.errors import BadInput
from pipelines.cli.publish import publish
from pipelines.hub.client import connect
from tests.pipelines.hub.conftest import ROOT
from tests.pipelines.hub.proxy import on


def complaint(ended):
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("srt: ")]
    return line


def test_plan_publish_again_and_verify(srt, remote, releases):
    words = ("publish", releases["1.0.0"], "--repo", remote.repo)
    planned = srt(*words, "--dry-run").stdout
    assert f"{remote.repo} (dataset): a new repository" in planned
    assert "+ preferences/train-00000-of-00001.parquet  " in planned
    assert "8 new, 0 changed, 0 deleted; at most " in planned
    assert "then the tag v1.0.0" in planned
    assert not remote.api.repo_exists(remote.repo, repo_type="dataset")
    done = srt(*words)
    (commit,) = remote.tags().values()
    assert f"{remote.repo}@v1.0.0 is published: commit {commit}" in done.stdout
    # Where nobody watches, a line for each stage.
    assert [line.split()[0] for line in done.stderr.splitlines()] == [
        "creating",
        "uploading",
        "committing",
        "reloading",
        "tagging",
    ]
    again = json.loads(srt(*words, "--json").stdout)
    assert (again["todo"], again["commit"]) == ("nothing", commit)
    assert "ok  configs: 4 configs, 79 rows" in srt("verify", f"{remote.repo}@v1.0.0").stdout


def test_what_does_not_hold_ends_with_3(srt, remote, releases):
    remote.publish(releases["1.0.0"])
    remote.api.create_tag(remote.repo, tag="v3.0.0", repo_type="dataset")
    ended = srt("verify", f"{remote.repo}@v3.0.0", expect=3)
    assert "WRONG  version: the manifest is of version 1.0.0" in ended.stdout
    assert complaint(ended).endswith("@v3.0.0 does not hold: version")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"repo": "no slash"}, "cannot name a repository"),
        ({"repo": "name"}, "write it as ORG/NAME"),
        ({"repo": "a/b/c"}, "cannot name a repository"),
        ({"tag": "v2.0.0"}, r"its tag is v1\.0\.0"),
        ({"gated": "yes"}, "--gated: 'yes' is neither auto nor manual"),
        ({"folder": Path("none")}, "none: no such folder"),
        ({"folder": Path(__file__).parent}, "not a release"),
    ],
)
def test_a_wrong_word_is_named(releases, words, said):
    with pytest.raises(BadInput, match=said):
        publish(**{"folder": releases["1.0.0"], "repo": "o/n", **words})


def test_no_token(hub, remote, releases, tmp_path, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(BadInput, match="requires a token: store one with `hf auth login`"):
        remote.plan(releases["1.0.0"], connect(hub.url))
    # Where no Hub is named, it would be the one on the internet: nothing is asked of it.
    with pytest.raises(BadInput, match="`srt serve hub --dir hub` prints the HF_ENDPOINT to set"):
        remote.plan(releases["1.0.0"], connect("https://huggingface.co"))


def test_a_token_of_the_environment_is_not_shown(srt, remote, releases):
    words = ("publish", releases["1.0.0"], "--repo", remote.repo)
    ended = srt(*words, env={"HF_TOKEN": "hf_read"}, expect=2)
    assert "is read-only" in complaint(ended)
    assert "hf_read" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("env", "status", "said"),
    [
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, 1, "127.0.0.1:9 failed .*same command continues"),
        ({"HF_HUB_OFFLINE": "1"}, 2, "HF_HUB_OFFLINE is set"),
    ],
)
def test_nobody_answers(srt, releases, env, status, said):
    ended = srt("publish", releases["1.0.0"], "--repo", "o/n", env=env, expect=status)
    assert re.search(said, complaint(ended))


@pytest.mark.parametrize("request_line", [r"^PUT ", r"/commit/", r"POST .*/tag/"])
def test_killed_and_called_again(srt, remote, proxy, unsent, tmp_path, request_line):
    words = ("publish", unsent, "--repo", remote.repo)
    process = srt.start(*words, endpoint=proxy.url)
    proxy.fault = on(request_line, "after", process.kill)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    remote.publish(unsent)
    assert remote.commits()[:-1] == ["Release v1.0.0"]
    assert remote.tags().keys() == {"v1.0.0"}
    assert remote.contents("v1.0.0", tmp_path / "there") == remote.as_sent(unsent)


def test_no_room_for_the_reload(srt, remote, releases):
    """The largest file is larger than any that the process may write."""

    def tight():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    words = ("publish", releases["1.0.0"], "--repo", remote.repo)
    ended = srt(*words, preexec_fn=tight, expect=1)
    assert "File too large" in complaint(ended)
    assert remote.tags() == {}
    remote.publish(releases["1.0.0"])
    assert remote.commits()[:-1] == ["Release v1.0.0"]
    assert remote.tags().keys() == {"v1.0.0"}


def test_a_collection_takes_the_repository(srt, remote, releases):
    words = ("publish", releases["1.0.0"], "--repo", remote.repo)
    ended = srt(*words, "--collection", "org/no-such-0123456789abcdef01234567", expect=1)
    assert f"srt: {remote.repo}@v1.0.0 is published, its collection: org/no-such" in complaint(
        ended
    )
    assert remote.tags().keys() == {"v1.0.0"}


@pytest.mark.parametrize(("answer", "status"), [(b"n\n", 1), (b"y\n", 0)])
def test_on_a_terminal_it_asks_and_shows_bytes(hub, remote, releases, tmp_path, answer, status):
    leader, follower = pty.openpty()
    words = ("publish", releases["1.0.0"], "--repo", remote.repo)
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines", *map(str, words)],
        cwd=tmp_path,
        env={**os.environ, **hub.env, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    with suppress(OSError):  # the terminal's end
        while block := os.read(leader, 4096):
            shown += block
            if b"[y/N]" in shown and answer:
                os.write(leader, answer)
                answer = b""
    os.close(leader)
    assert process.wait(60) == status
    assert f"publish v1.0.0 to {remote.repo}?".encode() in shown
    assert remote.api.repo_exists(remote.repo, repo_type="dataset") is (status == 0)
    assert (b"kB" in shown.split(b"[y/N]")[1]) is (status == 0)

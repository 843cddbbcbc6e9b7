"""`srt publish` and `srt verify` as they are typed, each in a process of its own."""

import json
import resource
import signal

import pytest

from tests.pipelines.hub.conftest import contents
from tests.pipelines.hub.proxy import on


def complaint(ended):
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("srt: ")]
    return line


def test_plan_publish_again_and_verify(srt, there, releases):
    words = ("publish", releases["1.0.0"], "--repo", there.repo)
    planned = srt(*words, "--dry-run").stdout
    assert f"{there.repo} (dataset): not there yet" in planned
    assert "+ preferences/train-00000-of-00001.parquet  " in planned
    assert "7 new, 0 changed, 0 deleted; 1" in planned
    assert "then the tag v1.0.0" in planned
    assert not there.api.repo_exists(there.repo, repo_type="dataset")
    done = srt(*words)
    (commit,) = there.tags().values()
    assert f"{there.repo}@v1.0.0 is published: commit {commit}" in done.stdout
    # Where nobody watches, a line for each stage.
    assert [line.split()[0] for line in done.stderr.splitlines()] == [
        "creating",
        "uploading",
        "committing",
        "reloading",
        "tagging",
    ]
    again = srt(*words)
    assert "v1.0.0 is there with these 7 files: nothing to do" in again.stdout
    assert "is complete" in again.stdout
    assert json.loads(srt(*words, "--json").stdout)["todo"] == "nothing"

    verified = srt("verify", f"{there.repo}@v1.0.0").stdout
    assert "ok  configs: 3 configs, 44 rows" in verified
    facts = json.loads(srt("verify", f"{there.repo}@v1.0.0", "--json").stdout)
    assert (facts["holds"], facts["commit"]) == (True, commit)


def test_what_does_not_hold_ends_with_3(srt, there, releases):
    there.publish(releases["1.0.0"])
    there.api.create_tag(there.repo, tag="v3.0.0", repo_type="dataset")
    ended = srt("verify", f"{there.repo}@v3.0.0", expect=3)
    assert "WRONG  version: the manifest is of version 1.0.0" in ended.stdout
    assert complaint(ended).endswith("@v3.0.0 does not hold: version")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--repo", "no slash"), "cannot name a repository"),
        (("--repo", "name"), "write it as ORG/NAME"),
        (("--repo", "a/b/c"), "cannot name a repository"),
        (("--repo", "o/n", "--tag", "v2.0.0"), "its tag is v1.0.0"),
        (("--repo", "o/n", "--gated", "yes"), "--gated: 'yes' is neither auto nor manual"),
    ],
)
def test_a_wrong_word_is_named(srt, releases, words, said):
    assert said in complaint(srt("publish", releases["1.0.0"], *words, expect=2))


def test_folders_that_are_nothing_to_publish(srt, tmp_path):
    for folder, said in ((tmp_path, "not a release"), (tmp_path / "none", "no such folder")):
        assert said in complaint(srt("publish", folder, "--repo", "o/n", expect=2))


def test_tokens(srt, there, releases, tmp_path):
    words = ("publish", releases["1.0.0"], "--repo", there.repo)
    read_only = srt(*words, env={"HF_TOKEN": "hf_read"}, expect=2)
    assert "is read-only" in complaint(read_only)
    assert "does not know this token" in complaint(
        srt(*words, env={"HF_TOKEN": "hf_other"}, expect=2)
    )
    nothing = {"HF_TOKEN": None, "HF_HOME": str(tmp_path / "empty")}
    assert "wants a token" in complaint(srt(*words, env=nothing, expect=2))
    # Where the Hub is not named, it would be the one on the internet: nothing is asked of it.
    offered = complaint(srt(*words, env={**nothing, "HF_ENDPOINT": None}, expect=2))
    assert "`srt serve hub --dir hub`" in offered
    assert "HF_ENDPOINT" in offered
    offline = complaint(srt(*words, env={"HF_HUB_OFFLINE": "1"}, expect=2))
    assert "HF_HUB_OFFLINE is set" in offline


def test_nobody_answers(srt, releases):
    ended = srt(
        "publish", releases["1.0.0"], "--repo", "o/n", endpoint="http://127.0.0.1:9", expect=1
    )
    assert "the connection to http://127.0.0.1:9 failed" in complaint(ended)
    assert "the same command completes it" in complaint(ended)


@pytest.mark.parametrize("request_line", [r"^PUT ", r"/commit/", r"/resolve/", r"POST .*/tag/"])
def test_killed_and_called_again(srt, there, proxy, unsent, tmp_path, request_line):
    words = ("publish", unsent, "--repo", there.repo)
    process = srt.start(*words, endpoint=proxy.url)
    proxy.fault = on(request_line, "after", process.kill)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    srt(*words, endpoint=proxy.url)
    assert there.commits()[:-1] == ["Release v1.0.0"]
    assert there.tags().keys() == {"v1.0.0"}
    assert there.contents("v1.0.0", tmp_path / "there") == contents(unsent)


def test_no_room_for_the_reload(srt, there, releases):
    """The largest file is larger than any that the process may write."""

    def tight():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    words = ("publish", releases["1.0.0"], "--repo", there.repo)
    ended = srt(*words, preexec_fn=tight, expect=1)
    assert "File too large" in complaint(ended)
    assert there.tags() == {}
    srt(*words)
    assert there.commits()[:-1] == ["Release v1.0.0"]
    assert there.tags().keys() == {"v1.0.0"}


def test_a_collection_takes_the_repository(srt, there, releases):
    words = ("publish", releases["1.0.0"], "--repo", there.repo)
    ended = srt(*words, "--collection", "org/no-such-0123456789abcdef01234567", expect=1)
    assert "srt: org/no-such" in complaint(ended)
    assert there.tags().keys() == {"v1.0.0"}

import json
import os
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from services.child import DidNotStart
from tests.hub import running_hub

ROOT = Path(__file__).parents[3]


def lives(folder, change):
    """What a reader sees before, after each killed attempt, and after the completed one."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("killed.py"), folder, change],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    assert seen[-1][0]
    assert all(shown["left over"] == [] for _, shown in seen)
    return [shown for _, shown in seen]


def test_a_commit_killed_at_any_step_is_complete_or_absent(tmp_path):
    seen = [shown["org/name"]["history"] for shown in lives(tmp_path / "hub", "commit")]
    # The commit was killed once at each step.
    assert len(seen) > 40
    for before, after in pairwise(seen):
        assert after == before or after[1:] == before
    assert seen[-1] != seen[-2]


def test_a_tag_killed_at_any_step_is_complete_or_absent(tmp_path):
    seen = [shown["org/name"] for shown in lives(tmp_path / "hub", "tag")]
    head = seen[0]["history"][0]
    for shown in seen:
        assert shown["history"] == seen[0]["history"]
        assert set(shown["refs"].values()) == {head}
    assert len(seen[-1]["refs"]) > len(seen[0]["refs"])


@pytest.mark.parametrize(
    ("change", "repo", "before", "after"),
    [
        ("create", "org/new", False, True),
        ("delete", "org/doomed", True, False),
    ],
)
def test_a_repository_is_complete_or_absent(tmp_path, change, repo, before, after):
    found = [repo in shown for shown in lives(tmp_path / "hub", change)]
    assert found[0] == before
    assert found[-1] == after


def test_deleting_a_tag_and_squashing_and_settings(tmp_path):
    tags = [
        "doomed" in shown["org/name"]["refs"] for shown in lives(tmp_path / "tag", "delete_tag")
    ]
    assert (tags[0], tags[-1]) == (True, False)
    lengths = [len(shown["org/name"]["history"]) for shown in lives(tmp_path / "squash", "squash")]
    assert (lengths[0], lengths[-1], set(lengths)) == (2, 1, {2, 1})
    private = [shown["org/name"]["private"] for shown in lives(tmp_path / "settings", "settings")]
    assert (private[0], private[-1]) == (False, True)


def test_a_killed_server_loses_no_acknowledged_commit(tmp_path):
    with running_hub(tmp_path / "hub") as hub:
        api = HfApi(endpoint=hub.url, token="hf_any")
        named = {"repo_id": "org/name", "repo_type": "dataset"}
        api.create_repo(**named)
        acknowledged, lost, enough = [], [], threading.Event()

        def publish():
            while not enough.is_set():
                content = os.urandom(200_000)
                operations = [CommitOperationAdd(f"{n}.bin", content + b"%d" % n) for n in range(3)]
                try:
                    made = api.create_commit(**named, operations=operations, commit_message="more")
                    acknowledged.append(made.oid)
                except Exception as error:
                    lost.append(error)

        publisher = threading.Thread(target=publish)
        publisher.start()
        url = hub.url
        for life in range(3):
            while len(acknowledged) < 2 * (life + 1) and publisher.is_alive():
                time.sleep(0.01)
            hub.kill()
            hub.start()
            assert hub.url == url
        enough.set()
        publisher.join()
        history = [one.commit_id for one in api.list_repo_commits(**named)][::-1][1:]
        # A commit whose response was lost may exist, too.
        assert set(acknowledged) <= set(history)
        assert len(history) <= len(acknowledged) + len(lost)
        assert len(lost) <= 3
        for commit in history:
            api.snapshot_download(**named, revision=commit, cache_dir=tmp_path / "cache")


def test_a_folder_has_one_server(tmp_path):
    with (
        running_hub(tmp_path / "hub"),
        pytest.raises(DidNotStart, match="another embedded Hub is serving this folder"),
    ):
        running_hub(tmp_path / "hub").__enter__()

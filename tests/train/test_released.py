import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from builders.errors import BadInput
from tests.hub import published
from train.released import open_release

ROOT = Path(__file__).parents[2]
# In a separate process, because the client reads HF_ENDPOINT when it is imported.
ASK = """
import json, sys
from builders.errors import BadInput
from train.released import open_release
for revision, config in json.loads(sys.argv[1]):
    try:
        found = open_release("org/name", revision, config, stage=1)
        answer = [found.title, found.facts(), [row["id"] for row in found.rows("train")]]
    except BadInput as error:
        answer = str(error)
    print(json.dumps(answer))
"""


def ask(home, url, *questions, **environment):
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(questions)],
        cwd=ROOT,
        env={**os.environ, "HF_ENDPOINT": url, "HF_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def files_of(release):
    return {
        str(path.relative_to(release)): path.read_bytes()
        for path in sorted(release.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def copy(releases, tmp_path):
    return Path(shutil.copytree(releases.stage1, tmp_path / "copy"))


def test_a_folder_is_read_in_order(releases):
    found = open_release(str(releases.stage1), None, "sft", stage=1)
    assert found.title == "stage1 1.0.0 (sft)"
    assert set(found.splits) == {"train", "test"}
    path = releases.stage1 / "sft/train-00000-of-00001.parquet"
    assert list(found.rows("train")) == pq.read_table(path).to_pylist()
    facts = found.facts()
    assert (facts["repo"], facts["commit"], facts["config"]) == (None, None, "sft")
    assert set(facts["sha256"]) == {
        f"sft/{split}-00000-of-00001.parquet" for split in ("train", "test")
    }
    assert list(found.rows("validation")) == []


def test_a_tag_on_the_hub_becomes_its_commit(releases, tmp_path):
    files = files_of(releases.stage1)
    with published(tmp_path / "hub", "org/name", "v1.0.0", files) as (hub, sha):
        tagged, exact, no_tag, no_config = ask(
            tmp_path,
            hub.url,
            ("v1.0.0", "sft"),
            (sha, "sft"),
            ("v9", "sft"),
            ("v1.0.0", "preferences"),
        )
        title, facts, ids = tagged
        assert title == f"stage1 1.0.0 (sft) from org/name at commit {sha}"
        assert (facts["repo"], facts["commit"]) == ("org/name", sha)
        local = open_release(str(releases.stage1), None, "sft", stage=1)
        assert facts == local.facts() | {"repo": "org/name", "commit": sha}
        assert ids == [row["id"] for row in local.rows("train")]
        assert exact == tagged
        assert no_tag.startswith("release: org/name at v9: ")
        assert "has no 'preferences'; it has " in no_config
        assert "\n" not in no_tag + no_config

    # A tag needs the Hub. A downloaded commit does not, because it cannot change.
    offline = {"HF_HUB_OFFLINE": "1"}
    tag, commit = ask(tmp_path, hub.url, ("v1.0.0", "sft"), (sha, "sft"), **offline)
    assert "HF_HUB_OFFLINE is set, so v1.0.0 of org/name cannot be resolved to a commit" in tag
    assert commit == tagged
    (gone,) = ask(tmp_path, hub.url, ("v1.0.0", "sft"))
    assert gone.startswith("release: org/name at v1.0.0: ")
    (never_seen,) = ask(tmp_path / "empty", hub.url, (sha, "sft"), **offline)
    assert never_seen.startswith("release: ")


def test_a_modified_file_is_named(releases, copy, tmp_path):
    path = copy / "sft/train-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(
        BadInput, match=r"sft/train-.*parquet is missing or is not the released file"
    ):
        open_release(str(copy), None, "sft", stage=1)
    with published(tmp_path / "hub", "org/name", "v1.0.0", files_of(copy)) as (hub, _):
        (answer,) = ask(tmp_path, hub.url, ("v1.0.0", "sft"))
    assert "is missing or is not the released file" in answer
    path.unlink()
    with pytest.raises(BadInput, match="is missing or is not the released file"):
        open_release(str(copy), None, "sft", stage=1)
    # Only the files that are read are verified.
    open_release(str(copy), None, "sft-no-score", stage=1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path: path.unlink(), "not a release .it has no manifest.json"),
        (lambda path: path.write_text("{"), "not a release's manifest"),
        (lambda path: path.write_text("[]"), "not a release's manifest"),
        (lambda path: path.write_text('{"stage": 1}'), "not a release's manifest"),
        (
            lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "files": {}})),
            "not a release's manifest",
        ),
    ],
)
def test_a_folder_that_is_not_a_release_is_rejected(copy, change, reason):
    change(copy / "manifest.json")
    with pytest.raises(BadInput, match=reason):
        open_release(str(copy), None, "sft", stage=1)


def test_each_script_only_accepts_its_stage(releases):
    with pytest.raises(BadInput, match=r"is a stage-2 release; use train/stage2\.py"):
        open_release(str(releases.stage2), None, "preferences", stage=1)
    with pytest.raises(BadInput, match=r"is a stage-1 release; use train/stage1\.py"):
        open_release(str(releases.stage1), None, "sft", stage=2)


def test_invalid_release_names(releases):
    with pytest.raises(BadInput, match="is neither a folder nor the ORG/NAME"):
        open_release("no/such/folder", None, "sft", stage=1)
    with pytest.raises(BadInput, match="a revision is only for the Hub"):
        open_release(str(releases.stage1), "v1.0.0", "sft", stage=1)

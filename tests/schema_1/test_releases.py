"""Releases of schema 1.1: checked, followed by new ones, published, trained on."""

import hashlib
import json
import os
import subprocess
import sys
from importlib import import_module

import pytest

from builders.manifest import read_manifest
from pipelines.hub.verify import verify
from tests.hub import running_hub
from tests.pipelines.hub.conftest import ROOT, HubRepository
from tests.schema_1.rows import NEXT_VERSION, TOO_LOW, released
from tests.tiny_model import save_tiny_model
from train.released import open_release

RELEASES = ("questions@v1.0.0", "questions@v1.1.0", "pairs@v1.0.0")
SPLITS = ("train", "test")


@pytest.mark.parametrize("name", RELEASES)
def test_the_gate_finds_what_it_found_then(srt, work, name):
    folder = work / "releases" / name
    said = json.loads(srt("check", folder, "--evaluation", "evaluation.txt", "--json").out)
    then = read_manifest(folder).gate.checks
    found = {one["name"]: one["status"] for one in said["checks"]}
    recorded = {one.name: one.status for one in then}
    # Only the first of them was made with the evaluation set.
    assert found.pop("evaluation-overlap") == "pass"
    overlap = recorded.pop("evaluation-overlap")
    assert overlap == ("pass" if name == RELEASES[0] else "warn")
    # A check that there was not yet.
    assert found.pop("foreign-text") == "pass"
    assert found == recorded


@pytest.mark.parametrize("name", RELEASES)
def test_a_changed_file_is_found(srt, work, name):
    folder = work / "releases" / name
    (path,) = (folder / "ledger").glob("train-*.parquet")
    path.write_bytes(path.read_bytes()[:-100])
    line = srt("check", folder, expect=3).err
    assert "the gate refuses this release" in line
    assert f"ledger/{path.name}" in line


def test_it_is_shown(srt):
    assert "Könnten Sie mir bitte" in srt("show", "releases/questions@v1.0.0", "--n", "50").out


def test_the_next_release_follows_it(srt, refused, work):
    srt("build", "stage1", "recipes/facts.yaml")
    words = ("release", "runs/questions", "runs/facts", "--name", "questions")
    review = ("--review", "reviews/questions")
    line = refused(*words, "--version", TOO_LOW, *review)
    assert "since 1.1.0 " in line
    assert f"needs at least {NEXT_VERSION}" in line
    assert not (work / f"releases/questions@v{TOO_LOW}").exists()

    srt(*words, "--version", NEXT_VERSION, *review)
    before, after = (work / f"releases/questions@v{v}" for v in ("1.1.0", NEXT_VERSION))
    manifest = json.loads((after / "manifest.json").read_text())
    digest = hashlib.sha256((before / "manifest.json").read_bytes()).hexdigest()
    assert manifest["parent_version"] == "1.1.0"
    assert manifest["parent_manifest_sha256"] == digest
    # No row changes its split, and 19 of the new run are added.
    splits = {row["id"]: split for split in SPLITS for row in released(before, "feedback", split)}
    found = {row["id"]: split for split in SPLITS for row in released(after, "feedback", split)}
    assert splits.items() <= found.items()
    assert len(found) == len(splits) + 19
    verdicts = [row for split in SPLITS for row in released(after, "verdicts", split)]
    assert len(verdicts) == 33
    changelog = (after / "CHANGELOG.md").read_text()
    assert changelog.index(NEXT_VERSION) < changelog.index("1.1.0") < changelog.index("1.0.0")
    assert changelog.endswith((before / "CHANGELOG.md").read_text().split("\n", 2)[2])
    srt("check", after)


def test_the_release_of_another_name_is_no_parent(refused):
    words = ("release", "runs/questions", "--name", "others", "--version", "2.0.0")
    assert "a release of questions" in refused(*words, "--parent", "releases/questions@v1.0.0")


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with running_hub(tmp_path_factory.mktemp("hub"), token="hf_write") as running:
        yield running


def test_published_and_verified(hub, work):
    """The second release goes onto the first one's repository."""
    repositories = {"questions": HubRepository(hub), "pairs": HubRepository(hub)}
    for name in RELEASES:
        title, tag = name.split("@")
        remote = repositories[title]
        commit = remote.publish(work / "releases" / name)
        found = verify(f"{remote.repo}@{tag}", api=remote.api)
        assert (found.commit, found.wrong) == (commit, [])
        recorded = json.loads((work / "releases" / name / "manifest.json").read_text())["gate"]
        assert [one.status for one in found.gate] == [one["status"] for one in recorded["checks"]]
    assert repositories["questions"].tags().keys() == {"v1.0.0", "v1.1.0"}


def test_the_command_verifies_it(hub, work, tmp_path):
    """In a process of its own: the Hub's client reads its address once."""
    remote = HubRepository(hub)
    remote.publish(work / "releases/questions@v1.1.0")
    address = f"{remote.repo}@v1.1.0"
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "verify", address, "--json"],
        cwd=ROOT,
        env={**os.environ, **hub.env, "HF_HOME": str(tmp_path / "hf")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["holds"]


@pytest.mark.parametrize("name", RELEASES)
def test_training_reads_its_rows(work, name):
    folder = work / "releases" / name
    manifest = json.loads((folder / "manifest.json").read_text())
    for config, splits in manifest["configs"].items():
        found = open_release(str(folder), None, config, stage=manifest["stage"])
        assert set(found.splits) == set(splits)
        for split in splits:
            assert list(found.rows(split)) == released(folder, config, split)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.mark.parametrize(
    ("stage", "name", "config"),
    [(1, "questions@v1.0.0", "sft"), (2, "pairs@v1.0.0", "preferences")],
)
def test_a_model_is_trained_on_it(work, tiny, stage, name, config):
    script = import_module(f"train.stage{stage}")
    recipe = script.__file__.replace(f"stage{stage}.py", f"recipes/stage{stage}-embedded.yaml")
    folder, out = work / "releases" / name, work / "checkpoint"
    keys = {
        "release": folder,
        "revision": "null",
        "model_name_or_path": tiny,
        "output_dir": out,
        "max_steps": 1,
        "max_length": 2048,
        "logging_steps": 1,
    }
    script.main([recipe, *(f"--{key}={value}" for key, value in keys.items())])
    facts = json.loads((out / "training.json").read_text())
    assert (facts["stage"], facts["steps"]) == (stage, 1)
    release = facts["release"]
    assert f"{release['name']}@v{release['version']}" == name
    files = json.loads((folder / "manifest.json").read_text())["files"]
    assert release["sha256"] == {
        path: about["sha256"] for path, about in files.items() if path.startswith(f"{config}/")
    }
    for split in SPLITS:
        assert facts["rows"][split]["rows"] == len(released(folder, config, split))

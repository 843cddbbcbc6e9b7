"""Checkpoints, published with the same care as releases."""

import json
import os
import subprocess
import sys

import pytest

from builders.errors import BadInput, GateRefused
from pipelines.hub.package import local_base_model, read_package
from pipelines.hub.publication import plan_publication
from tests.pipelines.hub.conftest import ROOT, HubRepository, contents

FILES = {
    "training.json": b"{}",
    "README.md": b"---\nlicense: apache-2.0\n---\n# A model\n",
    "adapter_config.json": json.dumps({"base_model_name_or_path": "org/base"}).encode(),
    "adapter_model.safetensors": bytes(range(256)) * 400,
    "assets/loss.png": b"\x89PNG",
    "audit/deep/er.json": b"{}",
}
PRIVATE = {
    "recipe.yaml": b"release: /home/somebody/releases\n",
    "training_args.bin": b"a pickle",
    "checkpoint-20/optimizer.pt": b"state",
    "rows/train.arrow": b"rows",
    "runs/events.out": b"log",
    ".lock": b"",
}
# What somebody put there, or another tool.
OTHERS = {
    "notes.txt": b"call them back",
    "optimizer.pt": b"a pickle",
    "wandb/run-1/config.yaml": b"key: 1",
    "model.gguf": b"GGUF",
}


@pytest.fixture
def checkpoint(tmp_path):
    folder = tmp_path / "stage1"
    for name, content in (FILES | PRIVATE).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def model(hub):
    return HubRepository(hub, "model")


def test_what_is_the_runs_own_stays_here(model, checkpoint, tmp_path):
    commit = model.publish(checkpoint, tag="v1.0.0")
    assert model.commits()[:-1] == ["Release v1.0.0"]
    assert model.tags() == {"v1.0.0": commit}
    assert model.contents("v1.0.0", tmp_path / "there") == FILES
    assert model.publish(checkpoint, tag="v1.0.0") == commit
    (checkpoint / "adapter_model.safetensors").write_bytes(b"trained further")
    with pytest.raises(BadInput, match="a tag is never moved"):
        model.publish(checkpoint, tag="v1.0.0")
    model.publish(checkpoint, tag="v1.1.0")
    assert model.tags().keys() == {"v1.0.0", "v1.1.0"}


def test_nothing_else_in_the_folder_is_published(checkpoint, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/diary.md").write_text("Dear diary")
    for name, content in OTHERS.items():
        (checkpoint / name).parent.mkdir(parents=True, exist_ok=True)
        (checkpoint / name).write_bytes(content)
    (checkpoint / "mine").symlink_to(tmp_path / "mine")
    package = read_package(checkpoint, "v1.0.0")
    assert package.files.keys() == FILES.keys()
    assert package.left_out == ("mine", "model.gguf", "notes.txt", "optimizer.pt", "wandb/")


@pytest.mark.parametrize("name", ["assets", "README.md", "audit/diary.md"])
def test_no_link_is_followed(checkpoint, tmp_path, name):
    target = tmp_path / "mine"
    if name == "assets":
        (checkpoint / name / "loss.png").unlink()
        (checkpoint / name).rmdir()
        target.mkdir()
    else:
        (checkpoint / name).unlink(missing_ok=True)
        target.write_text("Dear diary")
    (checkpoint / name).symlink_to(target)
    if name == "assets":
        # A link to a folder is none of a checkpoint's.
        assert not [one for one in read_package(checkpoint, "v1.0.0").files if "assets" in one]
        return
    with pytest.raises(BadInput, match="a link to a file"):
        read_package(checkpoint, "v1.0.0")


KEY = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"


@pytest.mark.parametrize("name", ["README.md", "training.json", "audit/audit.json"])
def test_a_key_in_a_text_file_is_not_published(model, checkpoint, name):
    (checkpoint / name).write_bytes(json.dumps({"recipe": f"token {KEY}"}).encode())
    with pytest.raises(GateRefused, match=rf"a key or token is in {name}") as refused:
        plan_publication(checkpoint, model.repo, tag="v1.0.0", api=model.api)
    assert KEY not in str(refused.value)


def test_off_a_terminal_a_checkpoint_needs_a_yes(srt, model, checkpoint):
    (checkpoint / "notes.txt").write_text("call them back")
    words = ("publish", checkpoint, "--repo", model.repo, "--tag", "v1.0.0")
    refused = srt(*words, expect=2)
    assert "nobody can be asked" in refused.stderr
    shown = srt(*words, "--dry-run")
    assert "not published, as no checkpoint is made of it: notes.txt" in shown.stderr
    srt(*words, "--yes")
    assert model.tags().keys() == {"v1.0.0"}


@pytest.mark.parametrize(
    ("tag", "reason"), [(None, "--tag: .* is a checkpoint and needs one"), ("1.0", "not vX")]
)
def test_a_checkpoint_has_no_tag_of_its_own(checkpoint, tag, reason):
    with pytest.raises(BadInput, match=reason):
        read_package(checkpoint, tag)


def test_an_unfinished_checkpoint(checkpoint):
    (checkpoint / "training.json").unlink()
    with pytest.raises(BadInput, match="not a release"):
        read_package(checkpoint, "v1.0.0")


def test_a_base_model_that_only_this_machine_has(checkpoint):
    assert local_base_model(read_package(checkpoint, "v1.0.0")) is None
    config = {"base_model_name_or_path": "/home/somebody/base"}
    (checkpoint / "adapter_config.json").write_text(json.dumps(config))
    assert local_base_model(read_package(checkpoint, "v1.0.0")) == "/home/somebody/base"


PUBLISH = """
import sys
from pathlib import Path
from train.arguments import run_script
from train.publication import Publication, publish
sys.argv[0] = "stage1"
run_script(lambda words: publish(Path(words[0]), Publication(words[1], "v1.0.0")))
"""


def test_what_training_calls(hub, model, checkpoint, tmp_path):
    """As a train script does at its end, in a process that has the Hub's address."""

    def publish(**environment):
        return subprocess.run(
            [sys.executable, "-c", PUBLISH, checkpoint, model.repo],
            cwd=tmp_path,
            env={**os.environ, **hub.env, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    failed = publish(HF_TOKEN="hf_read")
    assert failed.returncode == 1
    again = f"srt publish {checkpoint} --repo {model.repo} --tag v1.0.0"
    assert failed.stderr.splitlines()[-1] == (
        f"stage1: {checkpoint} is trained but not published; to publish it: {again}"
    )
    assert (failed.stdout, contents(checkpoint).keys() >= FILES.keys()) == ("", True)
    done = publish()
    assert done.returncode == 0, done.stderr
    assert model.contents("v1.0.0", tmp_path / "there") == FILES

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from builders.errors import BadInput
from train import stage1 as first
from train import stage2 as second

ROOT = Path(__file__).parents[2]
STEPS = 14


def killed(script, words, folder):
    """The script, killed without warning as soon as a checkpoint is whole."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, ROOT / "train" / script, *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        while not (folder / "checkpoint-4/trainer_state.json").is_file():
            assert running.poll() is None, running.stderr.read()
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert not (folder / "training.json").exists()


def read(folder):
    return json.loads((folder / "training.json").read_text())


def adapter(folder):
    return load_file(folder / "adapter_model.safetensors")


@pytest.mark.parametrize("stage", [1, 2])
def test_a_resumed_run_ends_with_the_same_weights(stage, command, stage1, tmp_path):
    main = (first if stage == 1 else second).main
    keys = {"max_steps": STEPS, "save_steps": 2, "save_total_limit": 50}
    keys["per_device_train_batch_size"] = 3
    if stage == 2:
        keys |= {"model_name_or_path": stage1, "learning_rate": 1e-3}
        keys["gradient_accumulation_steps"] = 1
    words = [command(f"stage{stage}-embedded.yaml", tmp_path / name, **keys) for name in "ab"]
    killed(f"stage{stage}.py", words[1], tmp_path / "b")
    # What another kill would have left: a folder that was begun, and one whose last file was.
    last = max(
        int(path.parent.name.partition("-")[2])
        for path in (tmp_path / "b").glob("checkpoint-*/trainer_state.json")
    )
    assert last < STEPS
    begun = tmp_path / "b" / f"checkpoint-{last + 2}"
    shutil.rmtree(begun, ignore_errors=True)
    shutil.copytree(tmp_path / "b" / f"checkpoint-{last}", begun)
    (begun / "trainer_state.json").unlink()
    torn = shutil.copytree(begun, tmp_path / "b" / f"checkpoint-{last + 4}")
    (torn / "trainer_state.json").write_text('{"epoch": 0.')

    for argv in words:
        main(argv)
    through, resumed = adapter(tmp_path / "a"), adapter(tmp_path / "b")
    assert through.keys() == resumed.keys()
    for name, value in through.items():
        assert torch.equal(value, resumed[name]), name
    # The loss on the card is of the whole run, not of its last part.
    losses = [read(tmp_path / name)["metrics"]["train_loss"] for name in "ab"]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize("stage", [1, 2])
def test_a_run_killed_after_its_last_checkpoint_makes_no_step_more(
    stage, command, stage1, tmp_path
):
    main = (first if stage == 1 else second).main
    keys = {"model_name_or_path": stage1} if stage == 2 else {}
    words = command(f"stage{stage}-embedded.yaml", tmp_path / "out", save_steps=2, **keys)
    main(words)
    weights, facts = adapter(tmp_path / "out"), read(tmp_path / "out")
    # Of what a run leaves, only this was there before its end.
    for path in (tmp_path / "out").glob("*"):
        if path.is_file() and path.name != "recipe.yaml":
            path.unlink()
    shutil.rmtree(tmp_path / "out/assets")
    main(words)
    again = read(tmp_path / "out")
    assert facts["steps"] == again["steps"] == 2
    assert all(torch.equal(value, weights[key]) for key, value in adapter(tmp_path / "out").items())
    for metric in ("train_loss", "eval_loss"):
        assert again["metrics"][metric] == pytest.approx(facts["metrics"][metric], rel=1e-5)


@pytest.fixture
def begun(command, tmp_path):
    """The folder of a run that stopped after its first checkpoint, and its command line."""
    words = command("stage1-embedded.yaml", tmp_path / "out", save_steps=1, max_steps=2)
    first.main(words)
    (tmp_path / "out/training.json").unlink()
    shutil.rmtree(tmp_path / "out/checkpoint-2")
    return tmp_path / "out", words


def test_a_folder_is_only_resumed_with_its_own_recipe(begun):
    folder, words = begun
    with pytest.raises(BadInput, match=r"another recipe \(different: learning_rate, seed\)"):
        first.main([*words, "--learning_rate=1e-4", "--seed=3"])
    first.main([*words, "--logging_steps=5", "--run_name=again"])
    with pytest.raises(BadInput, match="contains a finished model; choose another folder"):
        first.main(words)
    assert (folder / "training.json").is_file()


def test_a_checkpoint_can_be_named(begun, tmp_path):
    folder, words = begun
    for path, reason in (
        (tmp_path / "other/checkpoint-1", "is not in output_dir"),
        (folder / "checkpoint-7", "is not a complete checkpoint"),
        ("false", "has checkpoints; choose another output_dir"),
    ):
        with pytest.raises(BadInput, match=f"resume_from_checkpoint: .*{reason}"):
            first.main([*words, f"--resume_from_checkpoint={path}"])
    first.main([*words, f"--resume_from_checkpoint={folder / 'checkpoint-1'}"])
    assert read(folder)["steps"] == 2


def test_a_folder_in_which_a_run_was_killed_before_its_recipe_is_taken(command, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.recipe.yaml.a1b2c3d4").touch()
    first.main(command("stage1-embedded.yaml", tmp_path / "out", max_steps=1))
    assert read(tmp_path / "out")["steps"] == 1


def test_other_folders_are_left_alone(command, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match="is not a training run"):
        first.main(command("stage1-embedded.yaml", tmp_path))
    for name in ("notes.txt", "notes.txt/out"):
        with pytest.raises(BadInput, match=f"output_dir: .*{name}"):
            first.main(command("stage1-embedded.yaml", tmp_path / name))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]

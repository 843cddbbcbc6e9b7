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


def adapter(folder):
    return load_file(folder / "adapter_model.safetensors")


@pytest.mark.parametrize("stage", [1, 2])
def test_a_killed_run_goes_on_to_the_same_weights(stage, command, stage1, tmp_path):
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


@pytest.fixture
def begun(command, tmp_path):
    """The folder of a run that stopped after its first checkpoint, and its command line."""
    words = command("stage1-embedded.yaml", tmp_path / "out", save_steps=1, max_steps=2)
    first.main(words)
    (tmp_path / "out/training.json").unlink()
    shutil.rmtree(tmp_path / "out/checkpoint-2")
    return tmp_path / "out", words


def test_a_folder_goes_on_under_its_own_recipe_only(begun):
    folder, words = begun
    with pytest.raises(BadInput, match=r"another recipe \(it differs in learning_rate, seed\)"):
        first.main([*words, "--learning_rate=1e-4", "--seed=3"])
    first.main([*words, "--logging_steps=5", "--run_name=again"])
    with pytest.raises(BadInput, match="holds a finished model; give another one"):
        first.main(words)
    assert (folder / "training.json").is_file()


def test_a_folder_of_something_else_is_left_alone(command, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match="exists and is not a training run"):
        first.main(command("stage1-embedded.yaml", tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]

import json

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from trl import DPOConfig, ModelConfig, SFTConfig

from tests.train.conftest import RECIPES
from train import stage1 as first
from train import stage2 as second
from train.arguments import PairArguments, ReleaseArguments, parse, read_command_line

NAMES = sorted(path.name for path in RECIPES.glob("*.yaml"))
ADAPTER = "adapter_model.safetensors"
# The paper's: arXiv 2406.07168, section 4.1.
PAPER = {
    "stage1-70b-zero3.yaml": {"num_train_epochs": 5, "max_length": 8192, "learning_rate": 1e-5},
    "stage2-70b-zero3.yaml": {"num_train_epochs": 1, "beta": 0.01, "learning_rate": 5e-7},
}


def parsed(name):
    recipe = read_command_line([str(RECIPES / name)], "")
    if name.startswith("stage1"):
        return parse(recipe, ReleaseArguments, SFTConfig, ModelConfig)
    return parse(recipe, PairArguments, DPOConfig, ModelConfig)


def test_each_stage_has_a_recipe_for_each_size():
    shapes = ("7b-lora", "70b-zero3", "embedded")
    assert sorted(f"stage{stage}-{shape}.yaml" for stage in (1, 2) for shape in shapes) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_parsed_completely(name):
    _, training, network = parsed(name)
    assert network.use_peft == ("zero3" not in name)
    assert training.lr_scheduler_type == "cosine"
    assert training.warmup_steps == 0.1
    assert getattr(training, "beta", 0.01) == 0.01
    for key, value in PAPER.get(name, {}).items():
        assert getattr(training, key) == value


def test_stage_2_starts_from_the_output_of_stage_1():
    for shape in ("embedded", "7b-lora", "70b-zero3"):
        before, after = (
            yaml.safe_load((RECIPES / f"stage{stage}-{shape}.yaml").read_text()) for stage in (1, 2)
        )
        assert after["model_name_or_path"] == before["output_dir"]


@pytest.mark.parametrize("name", sorted((RECIPES / "accelerate").glob("*.yaml")))
def test_accelerate_parses_the_cluster_files(name):
    cluster = load_config_from_file(str(name))
    assert cluster.deepspeed_config["zero_stage"] == 3
    for recipe, accumulated in PAPER.items():
        assert accumulated
        _, training, _ = parsed(recipe)
        batch = training.per_device_train_batch_size * training.gradient_accumulation_steps
        # The file for fewer GPUs says what to raise.
        assert batch * cluster.num_processes in (32, 8)


@pytest.mark.parametrize("name", NAMES)
def test_two_steps_of_each_recipe(name, command, stage1, stage1_full, tmp_path):
    adapter, zero3 = "zero3" not in name, "zero3" in name
    keys = {}
    if name.startswith("stage2"):
        keys["model_name_or_path"] = stage1_full if zero3 else stage1
    main = first.main if name.startswith("stage1") else second.main
    main(command(name, tmp_path / "out", **keys))
    facts = json.loads((tmp_path / "out/training.json").read_text())
    assert (facts["steps"], facts["adapter"]) == (2, adapter)
    assert (tmp_path / "out" / (ADAPTER if adapter else "model.safetensors")).is_file()
    assert facts["metrics"]["eval_loss"] > 0

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from trl import DPOConfig, DPOTrainer, ModelConfig, SFTConfig

from builders.errors import BadInput
from train.arguments import (
    DIVERGENCES,
    LOSSES,
    PairArguments,
    ReleaseArguments,
    check_losses,
    parse,
    read_command_line,
    trl_errors,
)
from train.publication import read_publication

ROOT = Path(__file__).parents[2]


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("release: some/where\nmodel_name_or_path: m\nlearning_rate: 1e-5\n")
    return str(path)


def parsed(recipe, *words):
    training_recipe = read_command_line([recipe, *words], "usage")
    return parse(training_recipe, ReleaseArguments, SFTConfig, ModelConfig)


@pytest.mark.parametrize("script", ["stage1", "stage2"])
def test_help_loads_nothing_that_takes_seconds(script):
    code = (
        "import runpy, sys\n"
        "try:\n"
        f"    runpy.run_path('train/{script}.py', run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    print(end.code, sorted({'torch', 'trl', 'datasets', 'distilabel'} & set(sys.modules)))"
    )
    for words in (["--help"], []):
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stdout.endswith("0 []\n"), done.stderr
        assert f"python train/{script}.py RECIPE.yaml" in done.stdout


def test_the_scripts_run_from_anywhere(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "train/stage1.py", "missing.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (2, "stage1: missing.yaml: no such recipe\n")


def test_a_recipe_fills_the_dataclasses(recipe):
    source, training, network = parsed(recipe)
    assert (source.release, source.revision, source.dataset_config) == ("some/where", None, "sft")
    assert training.learning_rate == 1e-5
    assert network.model_name_or_path == "m"
    # Different from the default of TRL and transformers.
    assert training.logging_nan_inf_filter is False
    training_recipe = read_command_line([recipe], "usage")
    pairs, training, _ = parse(training_recipe, PairArguments, DPOConfig, ModelConfig)
    assert pairs.dataset_config == "preferences"


def test_the_command_line_overrides_the_recipe(recipe):
    words = ("--learning-rate=2e-4", "--max_length", "null", "--packing", "--seed", "-1")
    words += ("--lora_target_modules=[q_proj, v_proj]", "--report_to", "[tensorboard, wandb]")
    words += ("--lr_scheduler_kwargs={num_cycles: 2}", "--run_name", "a=b c")
    words += ("--dataset_config", "sft-draft-masked", "--gradient_checkpointing", "false")
    source, training, network = parsed(recipe, *words)
    assert source.dataset_config == "sft-draft-masked"
    assert (training.learning_rate, training.max_length) == (2e-4, None)
    assert (training.packing, training.gradient_checkpointing) == (True, False)
    assert (training.seed, training.run_name) == (-1, "a=b c")
    assert training.report_to == ["tensorboard", "wandb"]
    assert training.lr_scheduler_kwargs == {"num_cycles": 2}
    assert network.lora_target_modules == ["q_proj", "v_proj"]


def test_a_release_folder_becomes_absolute(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "releases").mkdir()
    training_recipe = read_command_line([recipe, "--release", "releases"], "usage")
    assert training_recipe.values["release"] == str(tmp_path / "releases")
    assert read_command_line([recipe], "usage").values["release"] == "some/where"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--learnin_rate", "1"], "unknown key 'learnin_rate'; did you mean 'learning_rate'"),
        (["--xyzzy", "1"], "unknown key 'xyzzy'"),
        (["--bf16"], "bf16: device and precision depend on the machine"),
        (
            ["--use_cpu=true"],
            "use_cpu: device and precision depend on the machine and cannot be set",
        ),
        (["--dtype", "float16"], "dtype: device and precision"),
        (["--chat_template_path", "x"], "chat_template_path: use chat_template"),
        (["--push_to_hub"], "hub_model_id: push_to_hub needs the ORG/NAME to publish to, not None"),
        (["--push_to_hub", "--hub_model_id=m"], "hub_model_id: push_to_hub needs the ORG/NAME"),
        (
            ["--push_to_hub", "--hub_model_id=o/m"],
            "hub_tag: push_to_hub needs a tag such as v1.0.0, not None",
        ),
        (["--push_to_hub", "--hub_model_id=o/m", "--hub_tag=1"], "hub_tag: .*, not 1"),
        (["--hub_token", "hf_x"], "hub_token: do not put a token into a recipe"),
        (["--hub_revision", "dev"], "hub_revision: use hub_tag for the tag"),
        (["--learning_rate", "fast"], "argument --learning_rate.*: invalid float value: 'fast'"),
        (["--max_length", "2.5"], "argument --max_length.*: invalid int value: '2.5'"),
        (["--max_steps", "true"], "argument --max_steps.*: invalid int value: 'yes'"),
        (["--packing", "maybe"], "argument --packing.*: .*maybe"),
        (["--loss_type", "other"], "argument --loss_type.*: invalid choice: 'other'"),
        (["--learning_rate", "[1, 2]"], "learning_rate: must be one value, not a list"),
        (["--learning_rate", "{a"], "--learning_rate: '{a' is not a YAML value"),
        (["learning_rate", "1"], "learning_rate: write keys as --key value"),
        (["--release", "null"], "release"),
        (["--completion_only_loss", "false"], "completion_only_loss: the loss is on the assistant"),
        (["--assistant_only_loss", "true"], "assistant_only_loss: the loss is on the assistant"),
        (["--dataset_text_field", "text"], "dataset_text_field: a release's rows have fixed"),
        (["--model_init_kwargs", "{}"], "model_init_kwargs: use the keys of the model itself"),
        (["--per_device_train_batch_size=0"], "per_device_train_batch_size: must be at least 1"),
        (["--gradient_accumulation_steps=0"], "gradient_accumulation_steps: .*at least 1|0"),
        (["--max_length", "0"], "max_length: must be at least 1, not 0"),
        (["--lora_alpha", "0"], "lora_alpha: must be at least 1, not 0"),
        (["--max_steps", "0"], "max_steps: 0 is no training at all"),
        (["--num_train_epochs", "0"], "num_train_epochs: 0.0 is no training at all"),
    ],
)
def test_a_wrong_key_or_value_is_named(recipe, words, reason):
    with pytest.raises(BadInput, match=reason) as error:
        parsed(recipe, *words)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("key", "value"), [("beta", 0), ("beta", -1), ("label_smoothing", 0.5)])
def test_numbers_that_would_turn_dpo_around_are_named(recipe, key, value):
    training_recipe = read_command_line([recipe, f"--{key}={value}"], "usage")
    with pytest.raises(BadInput, match=rf"{key}: must be "):
        parse(training_recipe, PairArguments, DPOConfig, ModelConfig)


def test_the_losses_are_trls(recipe):
    source = inspect.getsource(DPOTrainer._compute_loss)
    assert set(LOSSES) == set(re.findall(r'loss_type == "(\w+)"', source))
    with pytest.raises(BadInput, match="loss_type: 'sigmod' is not one of sigmoid, "):
        check_losses(recipe, ["sigmoid", "sigmod"])
    assert set(DIVERGENCES) == set(re.findall(r'f_divergence_type == "(\w+)"', source))
    with pytest.raises(BadInput, match="f_divergence_type: 'kl' is not one of reverse_kl, "):
        check_losses(recipe, ["sigmoid"], "kl")


def test_incompatible_values_are_reported_in_one_line(recipe):
    with pytest.raises(BadInput, match=r"\.yaml: beta is 1$"), trl_errors(recipe):
        raise ValueError("beta is 1\nand more")


def test_keys_that_say_what_is_done_anyway_are_taken(recipe):
    training = parsed(recipe, "--completion_only_loss", "--trust_remote_code")[1]
    assert (training.completion_only_loss, training.trust_remote_code) == (True, True)


def test_no_is_a_word_for_string_keys(recipe):
    training = parsed(recipe, "--save_strategy", "no", "--packing", "no")[1]
    assert (training.save_strategy, training.packing) == ("no", False)


def test_push_to_hub_can_be_false(recipe):
    assert parsed(recipe, "--push_to_hub", "false")[1].push_to_hub is False
    assert read_publication({"push_to_hub": False}) is None


def test_the_trainer_itself_never_pushes(recipe):
    words = ("--push_to_hub", "--hub_model_id", "o/m", "--hub_tag", "v1.0.0")
    source, training, _ = parsed(recipe, *words, "--hub_private_repo")
    assert (source.hub_tag, training.push_to_hub) == ("v1.0.0", False)
    recipe = read_command_line([recipe, *words, "--hub_private_repo"], "usage")
    command = read_publication(recipe.values).command(Path("trained"))
    assert command == ["publish", "trained", "--repo", "o/m", "--tag", "v1.0.0", "--private"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- a\n- b\n", "a recipe must be a mapping of keys to values"),
        ("", "a recipe must be a mapping"),
        ("a: [", "not a YAML file"),
        ("1: 2\n", "unknown key 1"),
        ("learning_rate: 1e-5\n", "release"),
    ],
)
def test_invalid_recipe_files(tmp_path, text, reason):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=reason) as error:
        parsed(str(path))
    assert "\n" not in str(error.value)


def test_the_recipe_comes_first(tmp_path):
    with pytest.raises(BadInput, match="the first argument must be the recipe file"):
        read_command_line(["--release", "x"], "usage")
    with pytest.raises(BadInput, match="no such recipe"):
        read_command_line([str(tmp_path / "none.yaml")], "usage")
    with pytest.raises(BadInput, match="not a YAML file"):
        read_command_line([str(tmp_path)], "usage")

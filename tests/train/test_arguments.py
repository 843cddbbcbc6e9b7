import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from trl import DPOConfig, DPOTrainer, ModelConfig, SFTConfig

from builders.errors import BadInput
from train.arguments import (
    LOSSES,
    PairArguments,
    ReleaseArguments,
    check_losses,
    parse,
    read_command_line,
    told_by,
)
from train.publication import publication

ROOT = Path(__file__).parents[2]


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("release: some/where\nmodel_name_or_path: m\nlearning_rate: 1e-5\n")
    return str(path)


def parsed(recipe, *words):
    asked = read_command_line([recipe, *words], "about")
    return parse(asked, ReleaseArguments, SFTConfig, ModelConfig)


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
    # Not as TRL and transformers have them.
    assert training.logging_nan_inf_filter is False
    asked = read_command_line([recipe], "about")
    pairs, training, _ = parse(asked, PairArguments, DPOConfig, ModelConfig)
    assert pairs.dataset_config == "preferences"


def test_the_command_line_goes_over_the_recipe(recipe):
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


def test_a_folder_of_rows_is_found_from_anywhere(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "releases").mkdir()
    asked = read_command_line([recipe, "--release", "releases"], "about")
    assert asked.values["release"] == str(tmp_path / "releases")
    assert read_command_line([recipe], "about").values["release"] == "some/where"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--learnin_rate", "1"], "unknown key 'learnin_rate'; did you mean 'learning_rate'"),
        (["--xyzzy", "1"], "unknown key 'xyzzy'"),
        (["--bf16"], "bf16: device and precision are the machine's to say"),
        (["--use_cpu=true"], "use_cpu: device and precision are the machine's"),
        (["--dtype", "float16"], "dtype: device and precision"),
        (["--chat_template_path", "x"], "chat_template_path: the key is chat_template here"),
        (["--push_to_hub"], "hub_model_id: push_to_hub wants the ORG/NAME to publish to, not None"),
        (["--push_to_hub", "--hub_model_id=m"], "hub_model_id: push_to_hub wants the ORG/NAME"),
        (["--push_to_hub", "--hub_model_id=o/m"], "hub_tag: push_to_hub wants the tag to give"),
        (["--push_to_hub", "--hub_model_id=o/m", "--hub_tag=1"], "hub_tag: .*, not 1"),
        (["--hub_token", "hf_x"], "hub_token: a token is no recipe's to hold"),
        (["--hub_revision", "dev"], "hub_revision: a tag is given by hub_tag"),
        (["--learning_rate", "fast"], "argument --learning_rate.*: invalid float value: 'fast'"),
        (["--max_length", "2.5"], "argument --max_length.*: invalid int value: '2.5'"),
        (["--max_steps", "true"], "argument --max_steps.*: invalid int value: 'yes'"),
        (["--packing", "maybe"], "argument --packing.*: .*maybe"),
        (["--loss_type", "other"], "argument --loss_type.*: invalid choice: 'other'"),
        (["--learning_rate", "[1, 2]"], "learning_rate: one value is wanted, not a list"),
        (["--learning_rate", "{a"], "--learning_rate: '{a' is not a YAML value"),
        (["learning_rate", "1"], "learning_rate: keys are given as --key value"),
        (["--release", "null"], "release"),
    ],
)
def test_a_wrong_key_or_value_is_named(recipe, words, reason):
    with pytest.raises(BadInput, match=reason) as error:
        parsed(recipe, *words)
    assert "\n" not in str(error.value)


def test_the_losses_are_trls(recipe):
    source = inspect.getsource(DPOTrainer._compute_loss)
    assert set(LOSSES) == set(re.findall(r'loss_type == "(\w+)"', source))
    with pytest.raises(BadInput, match="loss_type: 'sigmod' is not one of sigmoid, "):
        check_losses(recipe, ["sigmoid", "sigmod"])


def test_values_that_do_not_go_together_are_told_in_one_line(recipe):
    with pytest.raises(BadInput, match=r"\.yaml: beta is 1$"), told_by(recipe):
        raise ValueError("beta is 1\nand more")


def test_the_word_no_is_a_word_where_words_are_wanted(recipe):
    training = parsed(recipe, "--save_strategy", "no", "--packing", "no")[1]
    assert (training.save_strategy, training.packing) == ("no", False)


def test_push_to_hub_may_say_no(recipe):
    assert parsed(recipe, "--push_to_hub", "false")[1].push_to_hub is False
    assert publication({"push_to_hub": False}) is None


def test_what_is_published_is_not_the_trainers_to_push(recipe):
    words = ("--push_to_hub", "--hub_model_id", "o/m", "--hub_tag", "v1.0.0")
    source, training, _ = parsed(recipe, *words, "--hub_private_repo")
    assert (source.hub_tag, training.push_to_hub) == ("v1.0.0", False)
    wanted = publication(read_command_line([recipe, *words, "--hub_private_repo"], "").values)
    said = ["publish", "made", "--repo", "o/m", "--tag", "v1.0.0", "--private"]
    assert wanted.command(Path("made")) == said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- a\n- b\n", "a recipe is a mapping of keys to values"),
        ("", "a recipe is a mapping"),
        ("a: [", "not a YAML file"),
        ("1: 2\n", "unknown key 1"),
        ("learning_rate: 1e-5\n", "release"),
    ],
)
def test_a_file_that_is_no_recipe(tmp_path, text, reason):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=reason) as error:
        parsed(str(path))
    assert "\n" not in str(error.value)


def test_the_recipe_comes_first(tmp_path):
    with pytest.raises(BadInput, match="the recipe file comes first"):
        read_command_line(["--release", "x"], "about")
    with pytest.raises(BadInput, match="no such recipe"):
        read_command_line([str(tmp_path / "none.yaml")], "about")
    with pytest.raises(BadInput, match="not a YAML file"):
        read_command_line([str(tmp_path)], "about")

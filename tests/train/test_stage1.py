import json

import pytest
import yaml
from huggingface_hub import ModelCard
from safetensors.torch import load_file

from builders.errors import BadInput, RunFailed
from builders.training.sft import review_turns
from pipelines.llms.messages import Request
from pipelines.llms.weights.local import TransformersLLM
from tests.tiny_model import tiny_model
from train.released import open_release
from train.stage1 import main

RECIPE = "stage1-embedded.yaml"


def answer(folder):
    llm = TransformersLLM(model=str(folder), max_new_tokens=8, dtype="float32")
    llm.load()
    try:
        return llm.complete([Request(review_turns("Why?", "So.", refined=False), seed=0)])[0]
    finally:
        llm.unload()


def test_the_folder_of_an_adapter_is_complete(stage1, tiny, releases):
    facts = json.loads((stage1 / "training.json").read_text())
    found = open_release(str(releases.stage1), None, "sft", stage=1)
    assert facts["release"] == found.facts()
    assert (facts["stage"], facts["steps"], facts["adapter"]) == (1, 2, True)
    assert facts["base_model"] == {"name": "tiny", "on_hub": False}
    assert facts["recipe"]["learning_rate"] == 1e-3
    # Nothing that only exists on this machine.
    assert facts["recipe"]["release"] == releases.stage1.name
    assert str(stage1.parent) not in json.dumps(facts)
    assert {"torch", "trl", "peft", "transformers", "srt-feedback"} <= facts["versions"].keys()
    steps = [entry for entry in facts["history"] if "loss" in entry]
    assert [entry["step"] for entry in steps] == [1, 2]
    for key in ("loss", "learning_rate", "grad_norm"):
        assert all(isinstance(entry[key], float) for entry in steps)
    train = facts["rows"]["train"]
    assert train["rows"] == 2 * train["sequences"]
    assert train["too_long"] == 0
    assert sum(facts["rows"][split]["rows"] for split in ("train", "test")) == 48
    assert (stage1 / "assets/loss.png").read_bytes().startswith(b"\x89PNG")
    assert yaml.safe_load((stage1 / "recipe.yaml").read_text())["release"] == str(releases.stage1)
    config = json.loads((stage1 / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(tiny)
    assert not (stage1 / "rows").exists()
    card = ModelCard.load(stage1 / "README.md")
    assert card.data.library_name == "peft"
    assert (stage1 / "chat_template.jinja").is_file()


def test_the_trained_model_answers_in_a_pipeline(stage1, stage1_full, tiny):
    trained, full, base = (answer(folder) for folder in (stage1, stage1_full, tiny))
    assert trained.tokens_in == full.tokens_in == base.tokens_in
    assert trained.tokens_out
    assert full.tokens_out


def test_only_the_adapter_is_trained(stage1, stage1_full, tiny):
    trained = load_file(stage1 / "adapter_model.safetensors")
    assert all("lora_" in name for name in trained)
    assert any(value.abs().max() > 0 for name, value in trained.items() if "lora_B" in name)
    before, after = tiny_model().state_dict(), load_file(stage1_full / "model.safetensors")
    assert before.keys() == after.keys()
    assert all((before[name] != after[name]).any() for name in before)


def test_packed_rows_are_the_same_rows(command, stage1, tmp_path):
    main(command("stage1-7b-lora.yaml", tmp_path / "out", gradient_accumulation_steps=1))
    facts, apart = (
        json.loads((folder / "training.json").read_text()) for folder in (tmp_path / "out", stage1)
    )
    assert facts["rows"] == apart["rows"]
    assert facts["metrics"]["eval_loss"] > 0


def test_the_draft_can_be_masked(command, stage1, tmp_path):
    main(command(RECIPE, tmp_path / "out", dataset_config="sft-draft-masked", max_steps=1))
    masked, unmasked = (
        json.loads((folder / "training.json").read_text())["rows"]["train"]
        for folder in (tmp_path / "out", stage1)
    )
    # The same conversations, with fewer tokens in the loss.
    assert masked["sequences"] == unmasked["sequences"]
    assert masked["tokens"] == unmasked["tokens"]
    assert masked["loss_tokens"] < unmasked["loss_tokens"]


def test_rows_that_are_not_for_training_are_one_line(command, tmp_path):
    with pytest.raises(
        BadInput, match="the rows of 'sft-messages' are for other uses; this script"
    ):
        main(command(RECIPE, tmp_path / "out", dataset_config="sft-messages"))
    assert not (tmp_path / "out").exists()


def test_values_that_only_the_optimizer_or_the_loader_knows_are_one_line(command, tmp_path):
    for key, value, reason in (
        ("learning_rate", -1, "Invalid learning rate: -1.0"),
        ("dataloader_num_workers", -1, "num_workers option should be non-negative"),
        ("optim_args", "x", "not enough values to unpack"),
        ("model_revision", "abc", "model_revision: .* is a folder; a revision is only for the Hub"),
    ):
        with pytest.raises(BadInput, match=reason):
            main(command(RECIPE, tmp_path / key, **{key: value}))


def test_an_adapter_is_trained_further(command, stage1, tiny, tmp_path):
    main(command(RECIPE, tmp_path / "out", model_name_or_path=stage1, max_steps=1))
    before, after = (
        load_file(folder / "adapter_model.safetensors") for folder in (stage1, tmp_path / "out")
    )
    assert before.keys() == after.keys()
    config = json.loads((tmp_path / "out/adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(tiny)


def test_nothing_to_train_on_is_one_line(command, tmp_path):
    with pytest.raises(BadInput, match=r"release: nothing to train on: \d+ rows, of which"):
        main(command(RECIPE, tmp_path / "out", max_length=16))
    # The folder can be used again with another recipe.
    main(command(RECIPE, tmp_path / "out", max_steps=1))


def test_a_nan_loss_ends_the_run(command, tmp_path):
    words = command("stage1-70b-zero3.yaml", tmp_path / "out", learning_rate="1e30")
    with pytest.raises(RunFailed, match=r"(loss|grad_norm) is (nan|inf) at step 2; .*lower"):
        main([*words, "--max_steps=20", "--warmup_steps=0"])
    assert not (tmp_path / "out/training.json").exists()


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"model_name_or_path": "no/such/model/anywhere"}, "model_name_or_path: no/such/model"),
        ({"model_name_or_path": "null"}, "model_name_or_path: missing"),
        ({"chat_template": "missing.jinja"}, "chat_template: missing.jinja: No such file"),
    ],
)
def test_a_model_that_does_not_load_is_one_line(command, tmp_path, keys, reason):
    with pytest.raises(BadInput, match=reason) as error:
        main(command(RECIPE, tmp_path / "out", **keys))
    assert "\n" not in str(error.value)

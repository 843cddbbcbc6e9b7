import json

import pytest
import torch
from huggingface_hub import ModelCard
from peft import PeftModel
from safetensors.torch import load_file
from trl import DPOConfig, ModelConfig

from builders.training.preferences import to_preference
from pipelines.llms.messages import Request
from pipelines.llms.weights.local import TransformersLLM
from tests.tiny_model import tiny_model, tiny_tokenizer
from tests.train.conftest import LENGTH
from tests.train.conversations import short_rows
from train.model import load_model, new_adapter
from train.pairs import PairTrainer, pair_dataset
from train.released import open_release
from train.stage2 import main

RECIPE = "stage2-embedded.yaml"
FULL = "stage2-70b-zero3.yaml"
WEIGHTS = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def trained(command, stage1, tmp_path_factory):
    """The folder of the stage-1 adapter after stage 2."""
    folder = tmp_path_factory.mktemp("trained") / "stage2"
    main(command(RECIPE, folder, model_name_or_path=stage1, save_steps=1))
    return folder


def read(folder):
    return json.loads((folder / "training.json").read_text())


def losses(folder):
    return [entry["loss"] for entry in read(folder)["history"] if "loss" in entry]


def test_the_folder_holds_one_adapter_on_the_first_model(trained, stage1, tiny, releases):
    facts = read(trained)
    found = open_release(str(releases.stage2), None, "preferences", stage=2)
    assert facts["release"] == found.facts()
    assert (facts["stage"], facts["adapter"], facts["base_model"]["name"]) == (2, True, "tiny")
    assert not (trained / "ref").exists()
    config = json.loads((trained / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(tiny)
    before, after = load_file(stage1 / WEIGHTS), load_file(trained / WEIGHTS)
    assert before.keys() == after.keys()
    assert any((before[name] != after[name]).any() for name in before)
    assert "dpo" in ModelCard.load(trained / "README.md").data.tags
    # At the first step, trained model and reference are the same: the loss is log 2.
    assert losses(trained)[0] == pytest.approx(0.6931, abs=1e-3)


def test_the_trained_adapter_answers_in_a_pipeline(trained):
    llm = TransformersLLM(model=str(trained), max_new_tokens=4, dtype="float32")
    llm.load()
    (answer,) = llm.complete([Request([{"role": "user", "content": "Why?"}], seed=0)])
    llm.unload()
    assert answer.tokens_out


def trainer_of(model, tmp_path, **keys):
    """A trainer like that of train/stage2.py."""
    network = ModelConfig(model_name_or_path=str(model), **keys)
    tokenizer, rows = tiny_tokenizer(), map(to_preference, short_rows(4))
    pairs, _ = pair_dataset(rows, tokenizer, LENGTH, tmp_path / "rows/train.arrow")
    gpu = torch.cuda.is_available()
    training = DPOConfig(
        str(tmp_path), use_cpu=not gpu, bf16=gpu, learning_rate=1e-2, max_steps=2, report_to="none"
    )
    return PairTrainer(
        load_model(network),
        args=training,
        train_dataset=pairs,
        processing_class=tokenizer,
        peft_config=new_adapter(network),
    )


def weights(model, part):
    return {name: value for name, value in model.named_parameters() if part in name}


def test_the_reference_is_a_copy_of_the_adapter(stage1, tmp_path):
    trainer = trainer_of(stage1, tmp_path)
    model = trainer.model
    assert isinstance(model, PeftModel)
    assert set(model.peft_config) == {"default", "ref"}
    assert trainer.ref_model is None
    # There is one copy of the base model, and the two adapters.
    base = sum(value.numel() for value in tiny_model().parameters())
    adapters = [weights(model, f".{name}.") for name in ("default", "ref")]
    sizes = [sum(value.numel() for value in each.values()) for each in adapters]
    assert sum(value.numel() for value in model.parameters()) == base + sum(sizes)
    assert sizes[0] == sizes[1] > 0
    before = {name: value.clone() for name, value in model.named_parameters()}
    for name, value in adapters[1].items():
        assert (value == before[name.replace(".ref.", ".default.")]).all()
    trainer.train()
    changed = {name for name, value in model.named_parameters() if (value != before[name]).any()}
    assert changed
    assert all(".default." in name for name in changed)


def test_the_reference_of_a_new_adapter_is_its_base_model(stage1_full, tmp_path):
    keys = {"use_peft": True, "lora_target_modules": ["all-linear"]}
    trainer = trainer_of(stage1_full, tmp_path, **keys)
    assert set(trainer.model.peft_config) == {"default"}
    assert trainer.ref_model is None


def test_a_new_adapter_on_a_fully_trained_model(command, stage1_full, tmp_path):
    main(command(RECIPE, tmp_path / "out", model_name_or_path=stage1_full))
    config = json.loads((tmp_path / "out/adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(stage1_full)
    assert losses(tmp_path / "out")[0] == pytest.approx(0.6931, abs=1e-3)
    llm = TransformersLLM(model=str(tmp_path / "out"), max_new_tokens=4, dtype="float32")
    llm.load()
    llm.unload()


def test_full_training_with_precomputed_reference_probabilities(command, stage1_full, tmp_path):
    keys = {"model_name_or_path": stage1_full, "learning_rate": 1e-3, "max_steps": 3}
    main(command(FULL, tmp_path / "out", **keys))
    assert not read(tmp_path / "out")["adapter"]
    first, _, third = losses(tmp_path / "out")
    assert first == pytest.approx(0.6931, abs=1e-4)
    assert third != first
    before, after = (
        load_file(folder / "model.safetensors") for folder in (stage1_full, tmp_path / "out")
    )
    assert all((before[name] != after[name]).any() for name in before)


@pytest.mark.parametrize("loss", ["ipo", "sigmoid_norm", "[sigmoid, sft]"])
def test_other_losses(command, stage1, tmp_path, loss):
    keys = {"model_name_or_path": stage1, "loss_type": loss, "max_steps": 1}
    main(command(RECIPE, tmp_path / "out", **keys))
    assert losses(tmp_path / "out")[0] > 0


def test_length_matched_pairs(command, stage1, tmp_path):
    keys = {"model_name_or_path": stage1, "dataset_config": "preferences-length-matched"}
    main(command(RECIPE, tmp_path / "out", max_steps=1, **keys))
    facts = read(tmp_path / "out")
    assert facts["release"]["config"] == "preferences-length-matched"

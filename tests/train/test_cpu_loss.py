import pytest
import torch
from datasets import Dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

from tests.tiny_model import tiny_model, tiny_tokenizer
from train.cpu_loss import CpuSFTTrainer
from train.tokenization import IGNORED

ROWS = [
    {"input_ids": list(range(5, 25)), "labels": [IGNORED] * 8 + list(range(13, 25))},
    {"input_ids": [7, 8, 9, 10], "labels": [IGNORED, IGNORED, 9, 10]},
    {
        "input_ids": list(range(30, 42)),
        "labels": [IGNORED, 31, 32, *[IGNORED] * 6, 39, 40, 41],
    },
]


def gradients(kind, folder, *, num_items=None):
    model = tiny_model().train()
    config = SFTConfig(
        output_dir=str(folder), use_cpu=True, bf16=False, max_length=None, report_to="none"
    )
    trainer = kind(
        model, args=config, train_dataset=Dataset.from_list(ROWS), processing_class=tiny_tokenizer()
    )
    batch = trainer.data_collator(ROWS)
    loss = trainer.compute_loss(trainer.model, batch, num_items_in_batch=num_items)
    loss.backward()
    return loss.detach(), [parameter.grad for parameter in trainer.model.parameters()]


@pytest.mark.parametrize("num_items", [None, torch.tensor(40)])
def test_loss_and_gradients_are_those_of_trl(tmp_path, num_items):
    loss, ours = gradients(CpuSFTTrainer, tmp_path, num_items=num_items)
    expected, theirs = gradients(SFTTrainer, tmp_path, num_items=num_items)
    assert torch.allclose(loss, expected, rtol=1e-5)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(ours, theirs, strict=True))


def test_without_labels_the_loss_is_zero(tmp_path):
    model = tiny_model().train()
    config = SFTConfig(
        output_dir=str(tmp_path), use_cpu=True, bf16=False, max_length=None, report_to="none"
    )
    trainer = CpuSFTTrainer(
        model, args=config, train_dataset=Dataset.from_list(ROWS), processing_class=tiny_tokenizer()
    )
    batch = trainer.data_collator([{"input_ids": [5, 6, 7], "labels": [IGNORED] * 3}])
    loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    assert loss == 0


def test_left_padding_stays_masked(tmp_path):
    loss, ours = gradients(in_front(CpuSFTTrainer), tmp_path)
    expected, theirs = gradients(in_front(SFTTrainer), tmp_path)
    assert torch.allclose(loss, expected, rtol=1e-5)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(ours, theirs, strict=True))


def in_front(kind):
    """A subclass of the trainer with left-padded batches."""

    class Turned(kind):
        def compute_loss(self, model, inputs, **others):
            padding = (inputs["attention_mask"] == 0).sum(1)
            turned = {
                key: torch.stack(
                    [row.roll(int(by)) for row, by in zip(value, padding, strict=True)]
                )
                for key, value in inputs.items()
            }
            return super().compute_loss(model, turned, **others)

    return Turned


def test_logits_are_computed_only_for_labeled_positions(tmp_path):
    model = tiny_model().train()
    config = SFTConfig(
        output_dir=str(tmp_path), use_cpu=True, bf16=False, max_length=None, report_to="none"
    )
    trainer = CpuSFTTrainer(
        model,
        args=config,
        train_dataset=Dataset.from_list(ROWS),
        processing_class=tiny_tokenizer(),
        peft_config=LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear"),
    )
    batch = trainer.data_collator(ROWS)
    _, outputs = trainer.compute_loss(trainer.model, batch, return_outputs=True)
    labeled = sum(label != IGNORED for row in ROWS for label in row["labels"])
    assert outputs.logits.shape == (labeled, model.config.vocab_size)
    # The hook is removed afterwards.
    assert trainer.model(**batch).logits.shape[:2] == batch["input_ids"].shape

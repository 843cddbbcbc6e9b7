import pytest
import torch
from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from tests.tiny_model import tiny_model, tiny_tokenizer
from train.learnt_tokens import LearntTokensTrainer
from train.turns import IGNORED

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
    loss, ours = gradients(LearntTokensTrainer, tmp_path, num_items=num_items)
    expected, theirs = gradients(SFTTrainer, tmp_path, num_items=num_items)
    assert torch.allclose(loss, expected, rtol=1e-5)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(ours, theirs, strict=True))


def test_nothing_to_learn_is_a_loss_of_nothing(tmp_path):
    model = tiny_model().train()
    config = SFTConfig(
        output_dir=str(tmp_path), use_cpu=True, bf16=False, max_length=None, report_to="none"
    )
    trainer = LearntTokensTrainer(
        model, args=config, train_dataset=Dataset.from_list(ROWS), processing_class=tiny_tokenizer()
    )
    batch = trainer.data_collator([{"input_ids": [5, 6, 7], "labels": [IGNORED] * 3}])
    loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    assert loss == 0

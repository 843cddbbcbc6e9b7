"""TRL's own KTO trainer takes the rows of the config `kto` as they are."""

import torch
from datasets import load_dataset
from trl import KTOConfig, KTOTrainer

from tests.tiny_model import tiny_model, tiny_tokenizer


def test_trl_trains_on_the_labeled_answers(releases, tmp_path):
    rows = load_dataset(str(releases.stage2), "kto", split="train", cache_dir=str(tmp_path / "hf"))
    assert set(rows["label"]) == {True, False}
    gpu = torch.cuda.is_available()
    config = KTOConfig(
        str(tmp_path / "out"),
        max_steps=2,
        per_device_train_batch_size=2,
        use_cpu=not gpu,
        bf16=gpu,
        max_length=None,
        report_to="none",
    )
    tokenizer = tiny_tokenizer()
    trainer = KTOTrainer(
        tiny_model(), tiny_model(), config, train_dataset=rows, processing_class=tokenizer
    )
    for read, row in zip(trainer.train_dataset, rows, strict=True):
        answer = tokenizer.decode(read["completion_ids"])
        assert answer.startswith(row["completion"][0]["content"])
        assert read["label"] == row["label"]
    assert torch.isfinite(torch.tensor(trainer.train().training_loss))

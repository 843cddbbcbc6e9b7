import pytest
import torch
from trl import SFTConfig, SFTTrainer

from builders.training.sft import SFT_FORMS, to_sft
from tests.tiny_model import tiny_model, tiny_tokenizer
from tests.train.conversations import short_rows
from train.tokenization import IGNORED, token_dataset


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("keys", [{"packing": True}, {"padding_free": True}], ids=str)
@torch.inference_mode()
def test_packed_conversations_do_not_see_each_other(tmp_path, attention, keys):
    tokenizer, model = tiny_tokenizer(), tiny_model()
    model.set_attn_implementation(attention)
    rows = [row for kept in short_rows(4) for row in to_sft(kept, SFT_FORMS["sft"])]
    data, counts = token_dataset(rows, tokenizer, None, tmp_path / "train.arrow")
    length = 4096 if "packing" in keys else None
    gpu = torch.cuda.is_available()
    config = SFTConfig(
        str(tmp_path),
        use_cpu=not gpu,
        bf16=False,
        max_length=length,
        per_device_train_batch_size=8,
        report_to="none",
        **keys,
    )
    trainer = SFTTrainer(model, config, train_dataset=data, processing_class=tokenizer)
    losses, label_counts = [], []
    for batch in trainer.get_train_dataloader():
        assert batch["input_ids"].shape[0] == 1
        labels = batch["labels"]
        logits = model(**{key: value for key, value in batch.items() if key != "labels"}).logits
        label_counts.append((labels[:, 1:] != IGNORED).sum().item())
        losses.append(
            torch.nn.functional.cross_entropy(
                logits[0, :-1].float(), labels[0, 1:], ignore_index=IGNORED, reduction="sum"
            ).item()
        )
    separate = 0.0
    for row in data:
        labels = torch.tensor([row["labels"]], device=model.device)
        ids = torch.tensor([row["input_ids"]], device=model.device)
        count = (labels[:, 1:] != IGNORED).sum()
        separate += (model(ids, labels=labels).loss * count).item()
    assert sum(label_counts) == counts.loss_tokens
    assert sum(losses) == pytest.approx(separate, rel=1e-4)

import pytest
import torch
from trl import DPOConfig

from builders.errors import BadInput
from builders.training.preferences import to_preference
from pipelines.llms.chat_prompt import encode_prompts
from pipelines.llms.messages import Request
from tests.tiny_model import TEMPLATE, tiny_model, tiny_tokenizer
from tests.train.conversations import short_rows
from train.counts import Counts
from train.pairs import PairTrainer, pair_dataset

NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
) + TEMPLATE
ROWS = [to_preference(row) for row in short_rows(12)]


@pytest.mark.parametrize("template", [TEMPLATE, NO_SYSTEM], ids=["system", "no-system"])
def test_trl_reads_the_prompts_that_the_pipelines_send(tmp_path, template):
    tokenizer = tiny_tokenizer(template)
    pairs, counts = pair_dataset(ROWS, tokenizer, None, tmp_path / "train.arrow")
    gpu = torch.cuda.is_available()
    config = DPOConfig(str(tmp_path), use_cpu=not gpu, bf16=gpu, max_length=None, report_to="none")
    trainer = PairTrainer(
        tiny_model(), tiny_model(), config, train_dataset=pairs, processing_class=tokenizer
    )
    sent, _ = encode_prompts(tokenizer, [Request(row["prompt"], seed=0) for row in ROWS], 1, None)
    for index, (row, read) in enumerate(zip(ROWS, trainer.train_dataset, strict=True)):
        assert read["prompt_ids"] == sent[index]
        for side in ("chosen", "rejected"):
            assert tokenizer.decode(read[f"{side}_ids"]) == row[side][0]["content"] + "<|end|>"
    answers = [
        len(read[f"{side}_ids"])
        for read in trainer.train_dataset
        for side in ("chosen", "rejected")
    ]
    assert counts == Counts(
        rows=12,
        sequences=24,
        tokens=sum(answers) + 2 * sum(len(ids) for ids in sent.values()),
        loss_tokens=sum(answers),
    )


def test_a_pair_is_skipped_if_either_answer_is_too_long(tmp_path):
    tokenizer = tiny_tokenizer()
    _, every = pair_dataset(ROWS, tokenizer, None, tmp_path / "a.arrow")
    longest = [
        max(
            len(tokenizer.apply_chat_template([*row["prompt"], *row[side]])["input_ids"])
            for side in ("chosen", "rejected")
        )
        for row in ROWS
    ]
    limit = sorted(longest)[4]
    _, some = pair_dataset(ROWS, tokenizer, limit, tmp_path / "b.arrow")
    left = sum(length <= limit for length in longest)
    assert every.too_long == 0
    assert (some.rows, some.too_long, some.sequences) == (12, 12 - left, 2 * left)


def test_a_template_that_rewrites_answered_prompts_is_rejected(tmp_path):
    counting = "{{ messages | length }}" + TEMPLATE
    with pytest.raises(BadInput, match="chat_template: it renders a prompt differently"):
        pair_dataset(ROWS, tiny_tokenizer(counting), None, tmp_path / "train.arrow")

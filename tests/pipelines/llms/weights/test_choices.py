"""Likelihoods of scores, beside those of each reply read on its own, for several tokenizers."""

from types import SimpleNamespace

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
)

from pipelines.llms.messages import Choices
from pipelines.llms.weights.choices import branches_of, likelihoods, without_thinking
from tests.tiny_model import TEMPLATE

SCORES = Choices("Overall Score: [[", tuple(str(score) for score in range(1, 11)), "]]")
ASKED = [[{"role": "user", "content": text}] for text in ("Hi", "A longer question, is it not?")]
# How tokenizers may write "[[10]]": the pairs that they merge, the first ones first.
MERGES = {
    "digits apart": [],
    "10 in one": [("1", "0")],
    "brackets in one": [("[", "["), ("]", "]")],
    "the end and a line in one": [("]", "]"), ("]]", "Ċ")],
    "a space before": [("[", "["), ("Ġ", "[[")],
    "bracket and digit in one": [("[", "["), ("[[", "1")],
    "score and end in one": [("1", "0"), ("7", "]"), ("10", "]")],
}


def tokenizer_of(merges):
    special = ["<|end|>", "<|pad|>"]
    pieces = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet()), *map("".join, merges)]
    bpe = models.BPE(vocab={piece: at for at, piece in enumerate(pieces)}, merges=merges)
    tokenizer = Tokenizer(bpe)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|pad|>"
    )
    made.chat_template = TEMPLATE
    return made


def loaded(tokenizer, *, window=None, context=512):
    torch.manual_seed(0)
    llama, mistral = (LlamaConfig, LlamaForCausalLM), (MistralConfig, MistralForCausalLM)
    kinds = llama if window is None else mistral
    config = kinds[0](
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        initializer_range=0.1,
        **({} if window is None else {"sliding_window": window}),
    )
    model = kinds[1](config).eval()
    return SimpleNamespace(
        model=model, tokenizer=tokenizer, pad=1, context=context, device=model.device
    )


def one_by_one(loaded, messages, choices):
    """The likelihood of each reply, from the logits of its whole sequence."""
    tokenizer = loaded.tokenizer
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    endings = [at for at, piece in enumerate(pieces) if piece.lstrip("Ġ").startswith("]")]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    texts = [f"{text}{choices.begin}{choice}{choices.end}" for choice in choices.texts]
    all_ids = [tokenizer(one, add_special_tokens=False)["input_ids"] for one in texts]
    shared = 0
    while len({tuple(ids[: shared + 1]) for ids in all_ids}) == 1:
        shared += 1
    found = []
    for ids in all_ids:
        log = loaded.model(torch.tensor([ids])).logits[0].log_softmax(-1)
        end = len(ids)
        while tokenizer.convert_ids_to_tokens(ids[end - 1]).startswith("]"):
            end -= 1
        likely = sum(log[at - 1, ids[at]] for at in range(shared, end)).exp()
        if "]" not in tokenizer.convert_ids_to_tokens(ids[end - 1]):
            likely = likely * log[end - 1, endings].exp().sum()
        found.append(float(likely))
    return found


@pytest.mark.parametrize("merges", MERGES.values(), ids=MERGES.keys())
@torch.inference_mode()
def test_all_at_once_is_as_one_by_one(merges):
    model = loaded(tokenizer_of(merges))
    for messages, likely in zip(ASKED, likelihoods(model, ASKED, SCORES), strict=True):
        assert likely.values == pytest.approx(one_by_one(model, messages, SCORES), rel=1e-4)
        assert 0 < sum(likely.values) < 1
        assert likely.completion.tokens_in > 20


@torch.inference_mode()
def test_a_model_that_forgets_what_is_far_away():
    model = loaded(tokenizer_of([]), window=8)
    for messages, likely in zip(ASKED, likelihoods(model, ASKED, SCORES), strict=True):
        assert likely.values == pytest.approx(one_by_one(model, messages, SCORES), rel=1e-4)


def test_ten_is_more_than_one_token_where_digits_are_split():
    _, split = branches_of(tokenizer_of([]), "a", SCORES)
    _, whole = branches_of(tokenizer_of(MERGES["10 in one"]), "a", SCORES)
    assert [len(branch.tokens) for branch in split] == [1] * 9 + [2]
    assert [len(branch.tokens) for branch in whole] == [1] * 10


@torch.inference_mode()
def test_what_is_too_long_has_a_reason():
    asked = [ASKED[0], [{"role": "user", "content": "long " * 200}]]
    good, long = likelihoods(loaded(tokenizer_of([])), asked, SCORES)
    assert len(good.values) == 10
    assert (list(long.values), long.completion.reason) == ([], "context_exceeded")


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("<|assistant|>", "<|assistant|>"),
        ("<|im_start|>assistant\n<think>\n", "<|im_start|>assistant\n<think>\n\n</think>\n\n"),
        ("a<think>b</think>\n", "a<think>b</think>\n"),
    ],
)
def test_thinking_is_over_before_the_reply_begins(text, closed):
    assert without_thinking(text) == closed

"""Tokenizers of the kinds that chat models have, with vocabularies learned from a page of text."""

import copy
from functools import cache

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)
from transformers import PreTrainedTokenizerFast

from tests.ledger_rows import kept_rows
from train.reference import MARKS

BEGIN, END = "<s>", "</s>"


def _texts():
    for row in kept_rows(30):
        yield from (row["instruction"], row["draft"], row["refinement"])
        yield "\n\n".join(row["critique"]["weaknesses"])


def _byte_level():
    """As Llama 3 and Qwen have it: BPE of bytes, with words cut by an expression."""
    tokenizer = Tokenizer(models.BPE())
    words = (
        r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(words), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        [*_texts(), "\n\n\n\n" * 9, "\n\n" * 9],
        trainers.BpeTrainer(vocab_size=700, initial_alphabet=alphabet, show_progress=False),
    )
    return tokenizer


def _sentencepiece():
    """As Llama 2 and Mistral have it: a text's beginning gets a space, other bytes fall back."""
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    # While it learns; afterwards the normalizer alone says where words begin.
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    lines = (line for text in _texts() for line in text.splitlines())
    special = ["<unk>", *byte_tokens]
    tokenizer.train_from_iterator(
        lines, trainers.BpeTrainer(vocab_size=900, special_tokens=special, show_progress=False)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([])
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return tokenizer


def _unigram():
    """As SentencePiece's other model, with NFKC."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    tokenizer.train_from_iterator(
        _texts(),
        trainers.UnigramTrainer(
            vocab_size=900,
            special_tokens=["<unk>"],
            unk_token="<unk>",
            initial_alphabet=[*map(chr, range(32, 127)), "\n", "🙂"],
            show_progress=False,
        ),
    )
    return tokenizer


KINDS = {"byte-level": _byte_level, "sentencepiece": _sentencepiece, "unigram": _unigram}


@cache
def _trained(kind):
    return KINDS[kind]()


def tokenizer_of(kind, template, marks=True):
    """A tokenizer of this kind; `marks` says whether the template's marks are tokens of its own."""
    tokenizer = copy.deepcopy(_trained(kind))
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BEGIN, eos_token=END, pad_token="<pad>"
    )
    if marks:
        found = [
            AddedToken(mark, normalized=False) for mark in sorted(set(MARKS.findall(template)))
        ]
        made.add_special_tokens({"additional_special_tokens": found})
    made.chat_template = template
    return made

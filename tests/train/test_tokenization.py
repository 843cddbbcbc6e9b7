from itertools import groupby

import pytest
import torch

from builders.errors import BadInput
from builders.training.sft import SFT_FORMS, to_sft
from pipelines.llms.chat_prompt import encode_prompts
from pipelines.llms.messages import Request
from tests.ledger_rows import kept_rows
from tests.tiny_model import TEMPLATE, tiny_model, tiny_tokenizer
from tests.train.conversations import short_rows
from train.counts import Counts, nonempty_splits
from train.tokenization import IGNORED, sequences, token_dataset

TOKENIZER = tiny_tokenizer()
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
) + TEMPLATE
FORGETFUL = TEMPLATE.replace(
    "{{ message['content'] }}",
    "{{ message['content'] if loop.last or message['role'] != 'assistant' else '…' }}",
)


def rows_of(form, ledger=None):
    ledger = list(short_rows(12)) if ledger is None else ledger
    return [row for kept in ledger for row in to_sft(kept, SFT_FORMS[form])]


def read(rows, tokenizer=TOKENIZER, max_length=None):
    counts = Counts()
    return list(sequences(rows, tokenizer, max_length, counts)), counts


def turns(ids, labels):
    """(begin, end) of each turn that counts in the loss."""
    position = 0
    for is_labeled, run in groupby(labels, key=lambda label: label != IGNORED):
        end = position + len(list(run))
        if is_labeled:
            assert labels[position:end] == ids[position:end]
            yield position, end
        position = end


def sent(rows, tokenizer):
    """The tokens of the prompts that the pipelines send for these rows."""
    ids, done = encode_prompts(tokenizer, [Request(row["prompt"], seed=0) for row in rows], 1, None)
    assert not done
    return [ids[index] for index in range(len(rows))]


@pytest.mark.parametrize("template", [TEMPLATE, NO_SYSTEM], ids=["system", "no-system"])
@pytest.mark.parametrize("form", SFT_FORMS)
def test_each_turn_follows_the_prompt_that_the_pipelines_send(form, template):
    tokenizer, rows = tiny_tokenizer(template), rows_of(form)
    assert any(row["prompt"][0]["role"] == "system" for row in rows)
    read_, counts = read(rows, tokenizer)
    labeled = [(ids, span) for ids, labels in read_ for span in turns(ids, labels)]
    assert len(labeled) == len(rows) == counts.rows
    for row, prompt, (ids, (begin, end)) in zip(rows, sent(rows, tokenizer), labeled, strict=True):
        assert ids[:begin] == prompt
        assert tokenizer.decode(ids[begin:end]) == row["completion"][0]["content"] + "<|end|>"
    assert counts.sequences == len(read_)
    assert counts.tokens == sum(len(ids) for ids, _ in read_)
    assert counts.loss_tokens == sum(end - begin for _, (begin, end) in labeled)


@pytest.mark.parametrize(
    ("form", "sequences_"),
    [("sft", 12), ("sft-draft-masked", 12), ("sft-refinement-only", 12), ("sft-balanced", 36)],
)
def test_a_conversation_is_one_sequence(form, sequences_):
    _, counts = read(rows_of(form))
    assert counts.sequences == sequences_


def loss(model, ids, labels):
    """The sum over the labeled tokens."""
    logits = model(torch.tensor([ids])).logits[0, :-1]
    return torch.nn.functional.cross_entropy(
        logits, torch.tensor(labels[1:]), ignore_index=IGNORED, reduction="sum"
    ).item()


@pytest.mark.parametrize("form", ["sft", "sft-balanced"])
@torch.inference_mode()
def test_the_loss_equals_that_of_separate_rows(form):
    model, rows = tiny_model(), rows_of(form, list(short_rows(6)))
    merged = sum(loss(model, ids, labels) for ids, labels in read(rows)[0])
    separate = 0.0
    for row in rows:
        prompt = TOKENIZER.apply_chat_template(row["prompt"], add_generation_prompt=True)
        whole = TOKENIZER.apply_chat_template([*row["prompt"], *row["completion"]])
        prefix, ids = prompt["input_ids"], whole["input_ids"]
        separate += loss(model, ids, [IGNORED] * len(prefix) + ids[len(prefix) :])
    assert merged == pytest.approx(separate, rel=1e-5)


def test_long_rows_are_skipped_and_counted():
    rows = rows_of("sft", list(kept_rows(10)))
    every, _ = read(rows)
    limit = sorted(len(ids) for ids, _ in every)[5]
    some, counts = read(rows, max_length=limit)
    assert max(len(ids) for ids, _ in some) == limit
    # A draft is kept even if its critique does not fit.
    assert (counts.rows, counts.too_long, counts.sequences) == (20, 4, 10)
    assert sum(len(list(turns(*one))) for one in some) == 16


def test_turns_of_different_conversations_are_not_joined():
    first, second = (rows_of("sft", [row]) for row in short_rows(2))
    read_, _ = read([first[0], second[1], first[1]])
    assert [len(list(turns(*one))) for one in read_] == [1, 1, 1]


def test_a_template_that_rewrites_answered_prompts_is_rejected():
    counting = "{{ messages | length }}" + TEMPLATE
    with pytest.raises(BadInput, match="chat_template: it renders a prompt differently"):
        read(rows_of("sft"), tiny_tokenizer(counting))


def test_a_template_that_shortens_earlier_answers_gives_separate_sequences():
    tokenizer, rows = tiny_tokenizer(FORGETFUL), rows_of("sft")
    read_, counts = read(rows, tokenizer)
    assert counts.sequences == len(rows)
    for prompt, (ids, labels) in zip(sent(rows, tokenizer), read_, strict=True):
        ((begin, _),) = turns(ids, labels)
        assert ids[:begin] == prompt


def test_the_file_is_only_replaced_if_the_rows_change(tmp_path):
    path = tmp_path / "rows/train.arrow"
    first, counts = token_dataset(rows_of("sft"), TOKENIZER, None, path)
    written = path.stat()
    again, _ = token_dataset(rows_of("sft"), TOKENIZER, None, path)
    assert path.stat().st_ino == written.st_ino
    assert first.to_list() == again.to_list()
    assert len(first) == counts.sequences
    assert [(row["input_ids"], row["labels"]) for row in first] == read(rows_of("sft"))[0]
    other, _ = token_dataset(rows_of("sft-no-score"), TOKENIZER, None, path)
    assert len(other) == len(first)
    assert other.to_list() != first.to_list()
    assert [path.name for path in path.parent.iterdir()] == ["train.arrow"]


def test_nothing_to_train_on_is_one_line(tmp_path):
    nothing = token_dataset(rows_of("sft"), TOKENIZER, 10, tmp_path / "train.arrow")
    some = token_dataset(rows_of("sft"), TOKENIZER, None, tmp_path / "test.arrow")
    with pytest.raises(BadInput, match="24 rows, of which 24 are longer than max_length"):
        nonempty_splits({"train": nothing, "test": some})
    with pytest.raises(BadInput, match="nothing to train on: 0 rows"):
        nonempty_splits({"test": some})
    assert list(nonempty_splits({"train": some, "test": nothing})) == ["train"]

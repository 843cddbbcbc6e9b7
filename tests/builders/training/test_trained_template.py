"""Templates that write something else before an answer to come than before one that is there."""

import pytest

from builders.errors import BadInput
from builders.training.chat_template import chat_text
from builders.training.trained_template import (
    end_of_answer,
    settle_end,
    settle_template,
    stop_tokens,
)
from tests.tiny_model import TEMPLATE, tiny_tokenizer

ASKED = [{"role": "user", "content": "Why?"}]
ANSWERED = [*ASKED, {"role": "assistant", "content": "So."}]
OPENS = TEMPLATE.replace("<|assistant|>{% endif %}", "<|assistant|><think>\n{% endif %}")
EMPTY_BLOCK = TEMPLATE.replace(
    "{{ message['content'] }}",
    "{% if loop.last and message.role == 'assistant' %}<think></think>\n{% endif %}"
    "{{ message['content'] }}",
)
SWITCH = EMPTY_BLOCK.replace(
    "<|assistant|>{% endif %}",
    "<|assistant|>{% if enable_thinking is defined and not enable_thinking %}"
    "<think></think>\n{% endif %}{% endif %}",
)
DATED = "{{ strftime_now('%d %B %Y') }}" + TEMPLATE


def settled(template):
    tokenizer = tiny_tokenizer(template)
    return tokenizer, settle_template(tokenizer)


@pytest.mark.parametrize(
    ("template", "before", "changed"),
    [
        (TEMPLATE, "", None),
        # The open mark is in no answered conversation, so it is not asked by.
        (OPENS, "", "asked by what stands before"),
        # The loss does not fall on an empty block: it is in the prompt.
        (EMPTY_BLOCK, "<think></think>\n", "asked by what stands before"),
        (SWITCH, "<think></think>\n", "asked without thinking"),
    ],
)
def test_the_prompt_is_what_stands_before_the_answer(template, before, changed):
    tokenizer, lines = settled(template)
    asked = chat_text(tokenizer, ASKED)
    assert asked == f"<|user|>Why?<|end|><|assistant|>{before}"
    assert chat_text(tokenizer, ANSWERED, answer_next=False) == f"{asked}So.<|end|>"
    assert [changed in line for line in lines] == ([True] if changed else [])
    assert all(line.startswith("chat_template: ") for line in lines)
    if changed is None:
        assert tokenizer.chat_template == template
    template = tokenizer.chat_template
    assert settle_template(tokenizer) == []
    assert tokenizer.chat_template == template


def test_a_date_is_the_same_tomorrow():
    tokenizer, lines = settled(DATED)
    assert chat_text(tokenizer, ASKED).startswith("26 July 2024<|user|>")
    assert lines == ["chat_template: the date that it writes is fixed"]


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ messages | length }}" + TEMPLATE, "it renders a prompt differently once it is ans"),
        ("{% set day = '%d' %}{{ strftime_now(day) }}" + TEMPLATE, "it writes today's date"),
        ("{{ raise_exception('no way') }}" + TEMPLATE, "it fails: .*no way"),
        (TEMPLATE.replace("message['content']", "'…'"), "it leaves out the system prompt or the"),
    ],
)
def test_a_template_that_cannot_be_trained_on_is_refused_with_the_reason(template, reason):
    with pytest.raises(BadInput, match=f"^chat_template: {reason}") as error:
        settled(template)
    assert "\n" not in str(error.value)


def test_the_token_after_an_answer_becomes_the_end_of_sequence():
    # A base model whose own end of sequence is not the template's end of turn.
    tokenizer = tiny_tokenizer()
    tokenizer.eos_token = "<|pad|>"
    end = tokenizer.convert_tokens_to_ids("<|end|>")
    assert stop_tokens(tokenizer) == [tokenizer.eos_token_id, end]
    # Nothing to change if its generation settings stop there.
    assert settle_end(tokenizer, [end]) == []
    assert tokenizer.eos_token == "<|pad|>"
    (line,) = settle_end(tokenizer)
    assert line == (
        "eos_token: <|end|>, which the chat template writes after an answer, instead of <|pad|>"
    )
    assert tokenizer.eos_token_id == end
    assert settle_end(tokenizer) == []


def test_an_answer_may_end_where_the_next_question_begins():
    no_end = TEMPLATE.replace("<|end|>", "")
    tokenizer = tiny_tokenizer(no_end)
    end = end_of_answer(tokenizer)
    assert (end.text, tokenizer.convert_ids_to_tokens(end.token)) == ("<|user|>", "<|user|>")


def test_a_template_that_writes_no_token_after_an_answer_gets_the_end_of_sequence():
    plain = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
    plain += "{% if add_generation_prompt %}assistant: {% endif %}"
    tokenizer, lines = settled(plain)
    assert lines == []
    assert end_of_answer(tokenizer).text is None
    assert settle_end(tokenizer) == [
        "chat_template: it writes no token after an answer; <|end|> ends each"
    ]
    tokenizer.eos_token = None
    with pytest.raises(BadInput, match="nor is there eos_token"):
        settle_end(tokenizer)

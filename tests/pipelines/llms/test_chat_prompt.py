from pipelines.llms.chat_prompt import encode_prompts
from pipelines.llms.messages import Request
from tests.tiny_model import TEMPLATE, tiny_tokenizer

REFUSES_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
) + TEMPLATE
IGNORES_SYSTEM = TEMPLATE.replace(
    "{% for message in messages %}",
    "{% for message in messages if message['role'] != 'system' %}",
)
ASKED = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Why?"},
]


def prompted(template, *conversations, room=512):
    tokenizer = tiny_tokenizer(template)
    requests = [Request(messages, seed=0) for messages in conversations]
    ids, done = encode_prompts(tokenizer, requests, 10, room)
    return {index: tokenizer.decode(tokens) for index, tokens in ids.items()}, done


def test_the_template_ends_where_the_assistant_begins():
    texts, done = prompted(TEMPLATE, ASKED)
    assert texts == {0: "<|system|>Be brief.<|end|><|user|>Why?<|end|><|assistant|>"}
    assert not done


def test_a_system_message_goes_to_the_user_where_the_template_wants_none():
    for template in (REFUSES_SYSTEM, IGNORES_SYSTEM):
        texts, _ = prompted(template, ASKED)
        assert texts == {0: "<|user|>Be brief.\n\nWhy?<|end|><|assistant|>"}


def test_values_of_the_recipe_reach_the_template():
    template = TEMPLATE + "{% if enable_thinking is false %}<think></think>{% endif %}"
    request = Request(ASKED[1:], seed=0)
    for values, end in (({"enable_thinking": False}, "<think></think>"), ({}, "<|assistant|>")):
        tokenizer = tiny_tokenizer(template)
        ids, _ = encode_prompts(tokenizer, [request], 10, 512, values)
        assert tokenizer.decode(ids[0]).endswith(end)


def test_what_cannot_be_asked_does_not_stop_the_others():
    lone = [{"role": "system", "content": "alone"}]
    surrogate = [{"role": "user", "content": "caf\ud800"}]
    long = [{"role": "user", "content": "é" * 250}]
    texts, done = prompted(REFUSES_SYSTEM, lone, ASKED[1:], surrogate, long)
    assert list(texts) == [1]
    assert done[0].reason == done[2].reason == "call_failed"
    assert "no system role" in done[0].detail
    assert "surrogates not allowed" in done[2].detail
    assert (done[3].reason, done[3].detail) == ("context_exceeded", "503 tokens + 10 > 512")
    assert all(completion.text is None for completion in done.values())


def test_a_prompt_that_just_fits_is_asked():
    just = [{"role": "user", "content": "x" * (502 - 3)}]
    texts, done = prompted(TEMPLATE, just)
    assert list(texts) == [0]
    assert not done
    texts, done = prompted(TEMPLATE, [{"role": "user", "content": "x" * (503 - 3)}])
    assert done[0].detail == "503 tokens + 10 > 512"


def test_a_model_without_a_limit_takes_any_prompt():
    texts, done = prompted(TEMPLATE, [{"role": "user", "content": "x" * 9000}], room=None)
    assert list(texts) == [0]
    assert not done

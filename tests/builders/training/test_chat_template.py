"""Conversations in templates that do not take them as they are."""

import pytest

from builders.training.chat_template import chat_text, readable
from tests.tiny_model import TEMPLATE, tiny_tokenizer

# Templates of Gemma and of Mistral check the order of the roles like this.
ALTERNATING = (
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant') }}{% endif %}"
    "{% endfor %}"
) + TEMPLATE
NO_SYSTEM = (
    "{% set messages = messages[1:] if messages[0].role == 'system' else messages %}" + TEMPLATE
)
USER_FIRST = (
    "{% set rest = messages[1:] if messages[0].role == 'system' else messages %}"
    "{% if rest[0].role != 'user' %}{{ raise_exception('user first') }}{% endif %}"
) + TEMPLATE
SYSTEM, GREETING = (
    {"role": "system", "content": "Be brief."},
    {"role": "assistant", "content": "Hi!"},
)
REST = [
    {"role": "user", "content": "One?"},
    {"role": "assistant", "content": "1"},
    {"role": "user", "content": "Two?"},
]


def user(text):
    return [{"role": "user", "content": text}, *REST[1:]]


@pytest.mark.parametrize(
    ("template", "before", "expected"),
    [
        (TEMPLATE, [SYSTEM, GREETING], [SYSTEM, GREETING, *REST]),
        (TEMPLATE, [], REST),
        (ALTERNATING, [], REST),
        (ALTERNATING, [SYSTEM], user("Be brief.\n\nOne?")),
        (ALTERNATING, [GREETING], user("Hi!\n\nOne?")),
        (ALTERNATING, [SYSTEM, GREETING], user("Be brief.\n\nHi!\n\nOne?")),
        (NO_SYSTEM, [SYSTEM], user("Be brief.\n\nOne?")),
        (NO_SYSTEM, [GREETING], [GREETING, *REST]),
        (USER_FIRST, [SYSTEM], [SYSTEM, *REST]),
        (USER_FIRST, [SYSTEM, GREETING], [SYSTEM, *user("Hi!\n\nOne?")]),
    ],
)
def test_what_a_template_does_not_take_goes_into_the_users_first_message(
    template, before, expected
):
    tokenizer = tiny_tokenizer(template)
    assert readable(tokenizer, [*before, *REST]) == expected
    assert readable(tokenizer, expected) == expected
    text = chat_text(tokenizer, [*before, *REST])
    assert text == chat_text(tokenizer, expected)
    assert all(message["content"] in text for message in [*before, *REST])


# As Mistral's templates of v0.3, Nemo and Pixtral write it.
SYSTEM_LAST = (
    "{% set system = messages[0].content if messages[0].role == 'system' %}"
    "{% for m in messages if m.role != 'system' %}{% if loop.last and m.role == 'user' %}"
    "{{ system }}{% endif %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@pytest.mark.parametrize("template", [SYSTEM_LAST, NO_SYSTEM])
@pytest.mark.parametrize("system", ["Be brief.", "One"])
def test_a_system_prompt_stays_at_its_place_as_the_conversation_grows(template, system):
    tokenizer = tiny_tokenizer(template)
    talk = [{"role": "system", "content": system}, *REST]
    asked = chat_text(tokenizer, talk[:2])
    # Also one that happens to be part of the question.
    assert asked == f"<|user|>{system}\n\nOne?<|end|><|assistant|>"
    answered = chat_text(tokenizer, talk[:3], answer_next=False)
    assert answered.startswith(asked)
    assert chat_text(tokenizer, talk).startswith(answered)


def test_a_template_of_parts_gets_parts():
    parts = TEMPLATE.replace("message['content']", "message['content'][0]['text']")
    talk = [SYSTEM, *REST]
    assert chat_text(tiny_tokenizer(parts), talk) == chat_text(tiny_tokenizer(), talk)


def test_a_conversation_without_a_user_is_left_alone():
    assert readable(tiny_tokenizer(), [GREETING]) == [GREETING]

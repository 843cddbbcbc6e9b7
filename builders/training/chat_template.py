"""The text of a conversation in a model's own chat template.

Training and generation both use this, so that a trained model gets exactly the text that it was
trained on. How a conversation is handed to a template is decided once, by how the template writes
a conversation that grows (`_Form`), and not by the texts that happen to be in it.

Control tokens in a conversation's own texts are marked in the text that `chat_text` returns, so
that `token_ids` reads them as text (`builders.training.control_tokens`).
"""

import json
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from builders.critique.prompts import Message
from builders.training.control_tokens import MARK, ControlTokens, without_marks

# The texts of a conversation that is rendered to see how a template writes it. None is part of
# another one, and no template treats any of them specially.
HEAD = "Text {} before the question."
QUESTIONS = ("Question number one?", "Question number two?")
ANSWERS = ("Answer number one.", "Answer number two.")


def chat_text(
    tokenizer: Any,
    messages: Sequence[Message],
    *,
    answer_next: bool = True,
    values: Mapping[str, Any] | None = None,
    template: str | None = None,
) -> str:
    """The text of `messages`; with `answer_next`, up to where the assistant's answer begins.

    `values` are for the template's own variables, such as `enable_thinking`; `template` replaces
    the tokenizer's. Raises whatever the template raises, which is code that comes with the model,
    and UnwritableText for a text that has what is no character.
    """
    template = template or tokenizer.get_chat_template()
    shaped = readable(tokenizer, messages, values=values, template=template)
    text = _apply(tokenizer, shaped, answer_next, values, template)
    controls = _control_tokens(tokenizer, template)
    found = controls.found_in(message["content"] for message in messages)
    if not found:
        return text

    def marked(tokens: Sequence[str]) -> str:
        messages = [_marked(message, controls, tokens) for message in shaped]
        return _apply(tokenizer, messages, answer_next, values, template)

    whole = marked(found)
    if without_marks(whole) == text:
        return whole
    # What the template itself reads in a text, as one that cuts off thinking does, is its business.
    return marked([token for token in found if without_marks(marked([token])) == text])


def readable(
    tokenizer: Any,
    messages: Sequence[Message],
    *,
    values: Mapping[str, Any] | None = None,
    template: str | None = None,
) -> list[Message]:
    """`messages` as the template can take them.

    If a template fails on what comes before the user's first message (a system prompt, the
    assistant's greeting), leaves it out, or moves it as the conversation grows, that is put into
    the user's message. A template that takes only lists of parts gets such lists.
    """
    roles = [message["role"] for message in messages]
    first = roles.index("user") if "user" in roles else 0
    head = tuple(roles[:first])
    template = template or tokenizer.get_chat_template()
    forms = _FORMS.setdefault(tokenizer, {})
    key = (template, head, json.dumps(values, sort_keys=True, default=str) if values else "")
    if key not in forms:
        forms[key] = _choose_form(tokenizer, head, values, template)
    return forms[key].shape(list(messages), first)


@dataclass(frozen=True)
class _Form:
    """How a conversation is given to a template: with `kept` messages before the user's first,
    the others put into it, and with texts or with lists of `parts` as contents."""

    kept: int
    parts: bool

    def shape(self, messages: list[Message], first: int) -> list[Any]:
        if self.kept < first:
            texts = [message["content"] for message in messages[self.kept : first + 1]]
            user = {**messages[first], "content": "\n\n".join(texts)}
            messages = [*messages[: self.kept], user, *messages[first + 1 :]]
        if not self.parts:
            return messages
        return [{**one, "content": [{"type": "text", "text": one["content"]}]} for one in messages]


def _marked(message: Any, controls: ControlTokens, tokens: Sequence[str]) -> Any:
    """A message, in whichever form, whose control tokens are marked."""
    content = message["content"]
    if isinstance(content, str):
        return {**message, "content": controls.marked(content, tokens)}
    parts = [{**part, "text": controls.marked(part["text"], tokens)} for part in content]
    return {**message, "content": parts}


# By tokenizer, then by template, the roles before the user's first message, and values.
_FORMS: WeakKeyDictionary[Any, dict[tuple, _Form]] = WeakKeyDictionary()


# By tokenizer, then by template and by what makes more tokens special.
_CONTROLS: WeakKeyDictionary[Any, dict[tuple, ControlTokens]] = WeakKeyDictionary()


def _control_tokens(tokenizer: Any, template: str) -> ControlTokens:
    """The control tokens of a tokenizer: special ones, and what this template writes."""
    known = _CONTROLS.setdefault(tokenizer, {})
    key = (template, tokenizer.eos_token, len(tokenizer))
    if key not in known:
        written = [template]
        for answer_next in (True, False):
            try:
                shaped = readable(tokenizer, probe((), 2), template=template)
                written.append(_apply(tokenizer, shaped, answer_next, None, template))
            # A template is a program that comes with the model; it fails again where it matters.
            except Exception:
                break
        # Without a reference to the tokenizer that would keep it in the dictionary forever.
        known[key] = ControlTokens(weakref.proxy(tokenizer), written)
    return known[key]


def probe(head: Sequence[str], turns: int) -> list[Message]:
    """A conversation with these roles before its first question, and `turns` answered ones."""
    messages = [
        {"role": role, "content": HEAD.format(number)} for number, role in enumerate(head, 1)
    ]
    for question, answer in zip(QUESTIONS[:turns], ANSWERS[:turns], strict=True):
        messages += [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    return messages


def _choose_form(
    tokenizer: Any, head: tuple[str, ...], values: Mapping[str, Any] | None, template: str
) -> _Form:
    """The form in which the template writes a growing conversation best.

    Among equals, the one with the most messages before the user's first; lists of parts only
    where no texts are taken.
    """
    for parts in (False, True):
        forms = [_Form(kept, parts) for kept in range(len(head), -1, -1)]
        growths = [_growth(tokenizer, form, head, values, template) for form in forms]
        if any(growths):
            return forms[growths.index(max(growths))]
    return _Form(0, parts=False)


def _growth(
    tokenizer: Any,
    form: _Form,
    head: tuple[str, ...],
    values: Mapping[str, Any] | None,
    template: str,
) -> int:
    """How well a template writes a conversation that grows from a question to a second answer.

    0: it fails, or leaves out a question or what comes before; 1: it writes all of that; 2: an
    answer does not change the text before it; 3: nor does the next question.
    """

    def text(length: int, answer_next: bool) -> str:
        messages = form.shape(probe(head, 2)[: len(head) + length], len(head))
        return _apply(tokenizer, messages, answer_next, values, template)

    try:
        asked, answered = text(1, True), text(2, False)
        asked_again, answered_again = text(3, True), text(4, False)
    # A template is a program: a list where it expects a text gives errors of every type.
    except Exception:
        return 0
    heads = [HEAD.format(number + 1) for number in range(len(head))]
    if not all(part in asked for part in [*heads, QUESTIONS[0]]):
        return 0
    if not all(part in asked_again for part in [*heads, *QUESTIONS]):
        return 0
    if not (answered.startswith(asked) and answered_again.startswith(asked_again)):
        return 1
    begun, found, _ = answered.partition(ANSWERS[0])
    return 3 if found and asked_again.startswith(begun + found) else 2


def token_ids(tokenizer: Any, text: str) -> list[int]:
    """The tokens of a text that `chat_text` returned, or of one that begins with it.

    UnwritableText if the tokenizer has only its control tokens for a text of the conversation.
    """
    text.encode()  # a tokenizer's own error on a lone surrogate does not say what is wrong
    if MARK in text:
        return _control_tokens(tokenizer, tokenizer.get_chat_template()).marked_ids(text)
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]


def _apply(
    tokenizer: Any,
    messages: list[Message],
    answer_next: bool,
    values: Mapping[str, Any] | None,
    template: str | None,
) -> str:
    return tokenizer.apply_chat_template(
        messages,
        tokenize=False,
        add_generation_prompt=answer_next,
        chat_template=template,
        **(values or {}),
    )

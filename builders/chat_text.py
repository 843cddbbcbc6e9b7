"""A conversation as the text that a model reads, by the model's own chat template.

Training and generation both come here, so that a trained model is asked in the very text that
it was trained on.
"""

from collections.abc import Sequence
from typing import Any

from jinja2.exceptions import TemplateError

from builders.prompts import Message


def chat_text(tokenizer: Any, messages: Sequence[Message], *, answer_next: bool = True) -> str:
    """The text of `messages`, up to where the assistant begins if it is to `answer_next`.

    Raises what the template raises: it is a program of the model's.
    """
    return _apply(tokenizer, readable(tokenizer, messages), answer_next)


def readable(tokenizer: Any, messages: Sequence[Message]) -> list[Message]:
    """`messages` as the template can take them: one that knows no system role, and refuses the
    message or leaves it out, gets it in front of the user's first."""
    messages = list(messages)
    if len(messages) < 2 or messages[0]["role"] != "system":
        return messages
    system, first, *rest = messages
    try:
        known = system["content"].strip() in _apply(tokenizer, messages, True)
    except TemplateError:
        known = False
    if known:
        return messages
    return [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *rest]


def token_ids(tokenizer: Any, text: str) -> list[int]:
    """The tokens of a text that has the template's special tokens written out."""
    text.encode()  # a tokenizer's own complaint about a lone surrogate names no cause
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]


def _apply(tokenizer: Any, messages: list[Message], answer_next: bool) -> str:
    return tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=answer_next
    )

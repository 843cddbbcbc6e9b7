"""From a conversation to the token ids of a prompt, by a model's own chat template."""

from collections.abc import Sequence
from typing import Any

from jinja2.exceptions import TemplateError

from pipelines.llms.base import Completion, Message, Request


def prompts(
    tokenizer: Any, requests: Sequence[Request], max_new_tokens: int, context: int | None
) -> tuple[dict[int, list[int]], dict[int, Completion]]:
    """By position in `requests`: the token ids of each prompt, up to where the assistant
    begins, and the completions of those requests that cannot be asked. `context` in tokens.
    """
    ids: dict[int, list[int]] = {}
    done: dict[int, Completion] = {}
    for index, request in enumerate(requests):
        try:
            tokens = _tokens(tokenizer, request.messages)
        # A template is a program of the model's: whatever it raises concerns this row only.
        except Exception as error:
            done[index] = unusable(error)
            continue
        if too_long := unfit(len(tokens), max_new_tokens, context):
            done[index] = too_long
        else:
            ids[index] = tokens
    return ids, done


def unfit(prompt_length: int, max_new_tokens: int, context: int | None) -> Completion | None:
    """The completion of a prompt that leaves no room for an answer; None if there is room."""
    if context is None or prompt_length + max_new_tokens <= context:
        return None
    detail = f"{prompt_length} tokens + {max_new_tokens} > {context}"
    return Completion(None, reason="context_exceeded", detail=detail)


def unusable(error: Exception) -> Completion:
    """The completion of a conversation that could not be made into a prompt."""
    detail = " ".join(f"{type(error).__name__}: {error}".split())
    return Completion(None, reason="call_failed", detail=detail[:300])


def _tokens(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    text = _rendered(tokenizer, messages)
    text.encode()  # a tokenizer's own complaint about a lone surrogate names no cause
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]


def _rendered(tokenizer: Any, messages: Sequence[Message]) -> str:
    system = messages[0]["content"] if messages and messages[0]["role"] == "system" else None
    try:
        text = _apply(tokenizer, messages)
    except TemplateError:
        if system is None or len(messages) < 2:
            raise
        return _apply(tokenizer, _folded(messages))
    # Some templates know no system role and leave the message out instead of refusing it.
    if system and system.strip() not in text and len(messages) > 1:
        return _apply(tokenizer, _folded(messages))
    return text


def _folded(messages: Sequence[Message]) -> list[Message]:
    """The system message put before the user's first."""
    system, first, *rest = messages
    return [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *rest]


def _apply(tokenizer: Any, messages: Sequence[Message]) -> str:
    return tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)

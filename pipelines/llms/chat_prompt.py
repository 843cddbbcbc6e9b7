"""From a conversation to the token ids of a prompt, by a model's own chat template."""

from collections.abc import Sequence
from typing import Any

from builders.chat_text import chat_text, token_ids
from pipelines.llms.base import Completion, Request


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
            tokens = token_ids(tokenizer, chat_text(tokenizer, request.messages))
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

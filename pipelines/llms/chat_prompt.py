"""From a conversation to the token ids of a prompt, with the model's own chat template."""

from collections.abc import Mapping, Sequence
from typing import Any

from builders.errors import reason_of
from builders.training.chat_template import chat_text, token_ids
from pipelines.llms.messages import Completion, Request


def encode_prompts(
    tokenizer: Any,
    requests: Sequence[Request],
    max_new_tokens: int,
    context: int | None,
    values: Mapping[str, Any] | None = None,
) -> tuple[dict[int, list[int]], dict[int, Completion]]:
    """Two dicts by position in `requests`: the token ids of each prompt, up to where the
    assistant begins, and the completions of the requests that have no prompt or too long a
    one. `context` in tokens; `max_new_tokens` is of requests without a sampling of their own;
    `values` are for the template.
    """
    ids: dict[int, list[int]] = {}
    failed: dict[int, Completion] = {}
    for index, request in enumerate(requests):
        try:
            tokens = token_ids(tokenizer, chat_text(tokenizer, request.messages, values=values))
        # A template is a program that comes with the model: its errors concern this row only.
        except Exception as error:
            failed[index] = template_failure(error)
            continue
        own = request.sampling
        limit = own.max_new_tokens if own else max_new_tokens
        if too_long := length_failure(len(tokens), limit, context):
            failed[index] = too_long
        else:
            ids[index] = tokens
    return ids, failed


def length_failure(
    prompt_length: int, max_new_tokens: int, context: int | None
) -> Completion | None:
    """The completion of a prompt that leaves no room for a reply, or None."""
    if context is None or prompt_length + max_new_tokens <= context:
        return None
    detail = f"{prompt_length} tokens + {max_new_tokens} > {context}"
    return Completion(None, reason="context_exceeded", detail=detail)


def template_failure(error: Exception) -> Completion:
    """The completion of a conversation that its model's template rejects."""
    detail = f"{type(error).__name__}: {reason_of(error)}"
    return Completion(None, reason="call_failed", detail=detail)

"""What a reply says that it used, under any of the names that servers have for it."""

from collections.abc import Mapping
from typing import Any

# Token counts above this are nonsense, and would not fit the ledger's columns.
MAX_TOKENS = 2**31 - 1

# Where counts are, and what they are called: OpenAI, Anthropic and OpenAI's responses, Google,
# Ollama, llama.cpp.
_PLACES = ("usage", "usageMetadata", "usage_metadata", "timings", "meta")
_PROMPT = (
    "prompt_tokens",
    "input_tokens",
    "promptTokenCount",
    "prompt_token_count",
    "prompt_eval_count",
    "tokens_evaluated",
    "prompt_n",
)
_ANSWER = (
    "completion_tokens",
    "output_tokens",
    "candidatesTokenCount",
    "candidates_token_count",
    "eval_count",
    "tokens_predicted",
    "predicted_n",
    "generated_tokens",
)
_TOTAL = ("total_tokens", "totalTokenCount", "total_token_count")


def read_token_counts(reply: Mapping[str, Any]) -> tuple[int | None, int | None, int]:
    """Tokens of the prompt and of the answers, None if the reply does not say, and of thinking.

    A prompt of no tokens is no count, and neither is an answer of none.

    >>> read_token_counts({"usage": {"prompt_tokens": 7, "total_tokens": 9}})
    (7, 2, 0)
    """
    places = [value for name in _PLACES if isinstance(value := reply.get(name), dict)]
    tokens_in, tokens_out, total = (
        _first([*places, reply], names) for names in (_PROMPT, _ANSWER, _TOTAL)
    )
    if total and tokens_in and tokens_out is None and total >= tokens_in:
        tokens_out = total - tokens_in
    if total and tokens_out and tokens_in is None and total >= tokens_out:
        tokens_in = total - tokens_out
    details = [
        value
        for place in places
        for name in ("completion_tokens_details", "output_tokens_details")
        if isinstance(value := place.get(name), dict)
    ]
    thinking = _first([*details, *places], ("reasoning_tokens", "thoughtsTokenCount"))
    return tokens_in, tokens_out, thinking or 0


def _first(places: list[Mapping[str, Any]], names: tuple[str, ...]) -> int | None:
    for place in places:
        for name in names:
            if (value := place.get(name)) is not None and (count := _count(value)):
                return count
    return None


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 <= value <= MAX_TOKENS else 0

"""The answer, the thinking and the refusal in the message of a choice, wherever they are."""

from collections.abc import Iterator, Mapping
from typing import Any

# What DeepSeek and vLLM, OpenRouter, and Ollama call a model's thinking.
_REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_text")
# The types of content parts that are thinking, as Mistral, Anthropic and others name them.
_REASONING_PARTS = frozenset({"thinking", "redacted_thinking", "reasoning", "reasoning_content"})


def text_of(content: Any) -> str | None:
    """The text of a message's content: a string, or a list of parts, some of them thinking.

    >>> text_of([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}])
    'Yes.'
    """
    if isinstance(content, str):
        return content
    texts = [part.get("text") for part in _parts(content) if not _is_thinking(part)]
    texts = [text for text in texts if isinstance(text, str)]
    return "".join(texts) if texts else None


def reasoning_of(message: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """A model's thinking, and where in the message it is; None and None without any."""
    for name in _REASONING_FIELDS:
        if (value := message.get(name)) and (text := _thinking(value).strip()):
            return text, name
    if not isinstance(message.get("content"), list):
        return None, None
    parts = filter(_is_thinking, _parts(message.get("content")))
    if text := "".join(map(_thinking, parts)).strip():
        return text, "content parts of type thinking"
    return None, None


def refusal_of(message: Mapping[str, Any]) -> str | None:
    """Why the model declined, if the endpoint says so apart from the text."""
    if isinstance(refusal := message.get("refusal"), str) and refusal:
        return refusal
    refusals = (part.get("refusal") for part in _parts(message.get("content")))
    return "".join(text for text in refusals if isinstance(text, str)) or None


def _parts(content: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(content, list):
        yield from (part for part in content if isinstance(part, dict))


def _is_thinking(part: Mapping[str, Any]) -> bool:
    return part.get("type") in _REASONING_PARTS


def _thinking(value: Any, depth: int = 0) -> str:
    """The text of a string, of a part, or of a list of such, which Mistral nests."""
    if isinstance(value, str):
        return value
    if depth > 3:
        return ""
    if isinstance(value, list):
        return "".join(_thinking(item, depth + 1) for item in value)
    if not isinstance(value, dict):
        return ""
    names = ("text", "thinking", "reasoning", "reasoning_content")
    return next((text for name in names if (text := _thinking(value.get(name), depth + 1))), "")

"""Conversations in the shapes that people's files have, read into one.

A list of {role, content} (`messages`), of {from, value} (ShareGPT), of texts in alternation, of
pairs [question, answer] or {input, output}; lists in place of each field; any of these as JSON in a
text; or a transcript, "Human: … Assistant: …", as HH-RLHF has them.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builders.critique.replies.reasoning import split_reasoning
from builders.instructions.record import Turns, Unusable
from builders.instructions.texts import is_missing, storable, without_picture

_ROLES = {
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model", "bot", "chatbot", "ai"), "assistant"),
    # ShareGPT names whose answer it is.
    **dict.fromkeys(("chatgpt", "bing", "bard", "claude"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "tools", "tool_call", "tool_calls", "tool_response"), "tool"),
    **dict.fromkeys(("function", "function_call", "function_response", "tool_result"), "tool"),
    **dict.fromkeys(("observation", "ipython", "environment"), "tool"),
}
_TOOL_KEYS = ("tool_calls", "function_call")
_ROLE_KEYS, _TEXT_KEYS = ("role", "from"), ("content", "value", "text", "parts")
_SAID_KEYS = (*_TEXT_KEYS, *_TOOL_KEYS)
# A question and its answer in one object.
_QUESTION_KEYS = ("input", "instruction", "prompt", "question", "human", "user")
_ANSWER_KEYS = ("output", "response", "completion", "answer", "assistant", "gpt", "bot")
_PYTHON_LIST = re.compile(r"\s*\[\s*\{\s*'.*\}\s*\]\s*", re.DOTALL)
_TRANSCRIPT = re.compile(r"\s*Human:.*\n\nAssistant:", re.DOTALL)
_SPEAKER = re.compile(r"(?:^|\n\n)(Human|Assistant):")
_THINKING_PARTS = ("thinking", "redacted_thinking", "reasoning")
_TEXT_PARTS = ("text", "input_text", "output_text")

Turn = tuple[str, str]


@dataclass(frozen=True)
class Conversation:
    """What comes before an instruction, the instruction, and the answer to it, if any."""

    system: str | None
    history: Turns
    instruction: str
    draft: str | None


def conversation_of(turns: Sequence[Turn]) -> Conversation:
    """The last instruction of a conversation, with what came before and after it.

    Turns in a row by one speaker are one turn; a model's thinking is in no history. System turns
    come first and are one prompt; the assistant may speak before the user. `Unusable` if there is
    no user's turn, or a system turn after others.
    """
    merged = _merged(turns)
    system = merged.pop(0)[1] if merged and merged[0][0] == "system" else None
    if any(role == "system" for role, _ in merged):
        raise Unusable("bad_history", "a system turn comes after other turns")
    users = [at for at, (role, _) in enumerate(merged) if role == "user"]
    if not users:
        raise Unusable("no_instruction", "no user turn")
    last = users[-1]
    history = [{"role": role, "content": _said(role, text)} for role, text in merged[:last]]
    answer = merged[last + 1][1] if last + 1 < len(merged) else None
    return Conversation(system, history, merged[last][1], answer)


def _said(role: str, text: str) -> str:
    """The text of an earlier turn: of the assistant's, without the thinking before the answer."""
    said = split_reasoning(text).answer if role == "assistant" else text
    if not said:
        raise Unusable("bad_history", "a turn of the assistant is thinking without an answer")
    return said


def _merged(turns: Sequence[Turn]) -> list[Turn]:
    merged: list[Turn] = []
    for role, text in turns:
        if merged and merged[-1][0] == role:
            text = f"{merged.pop()[1]}\n\n{text}"
        merged.append((role, text))
    return merged


def turns_of(value: Any, name: str, *, may_lack_answer: bool = False) -> list[Turn]:
    """The turns in the column `name`, none of them empty; `Unusable` says what is wrong.

    Empty system turns are left out; so is an empty last turn of the assistant, if the answer may be
    missing.
    """
    turns = [turn for turn in _read(as_turns(value), name) if turn != ("system", "")]
    if may_lack_answer and turns and turns[-1] == ("assistant", ""):
        turns.pop()
    for number, (_, text) in enumerate(turns, 1):
        if not text:
            raise Unusable("bad_history", f"{name}: turn {number} has no text")
    return turns


def as_turns(value: Any) -> Any:
    """The list in `value`, if it is JSON in a text, a transcript, or has a list for each field.

    >>> as_turns("Human: Hi\\n\\nAssistant: Hello!")[1]
    {'role': 'Assistant', 'content': ' Hello!'}
    """
    if isinstance(value, str) and _TRANSCRIPT.match(value):
        _, *parts = _SPEAKER.split(value.strip())
        speakers, texts = parts[0::2], parts[1::2]
        return [
            {"role": speaker, "content": text}
            for speaker, text in zip(speakers, texts, strict=True)
        ]
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        parsed = as_turns(_literal(value))
        return parsed if isinstance(parsed, list) else value
    if isinstance(value, Mapping) and all(isinstance(item, list) for item in value.values()):
        lengths = {len(item) for item in value.values()}
        if len(lengths) == 1:
            fields = zip(*value.values(), strict=True)
            return [dict(zip(value, items, strict=True)) for items in fields]
    return value


def _literal(text: str) -> Any:
    """The value that a text spells in JSON, or in Python, as a list in pandas' CSV is; or None."""
    # A text that only begins like a list of objects is none that Python need look at.
    readers = (json.loads, ast.literal_eval) if _PYTHON_LIST.fullmatch(text) else (json.loads,)
    for read in readers:
        try:
            return read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None


def are_turns(value: Any) -> bool:
    """Whether a cell that may have text or turns has turns: objects with roles."""
    value = as_turns(value)
    items = value if isinstance(value, list) else [value]
    return bool(items) and all(isinstance(item, Mapping) and _has_role(item) for item in items)


def _has_role(item: Mapping[str, Any]) -> bool:
    return not (item.keys().isdisjoint(_ROLE_KEYS) or item.keys().isdisjoint(_SAID_KEYS))


def _read(value: Any, name: str) -> Iterator[Turn]:
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list):
        problem = f"{name} is {type(value).__name__}, not a list of turns"
        raise Unusable("bad_history", problem)
    in_turn = ("user", "assistant")
    for number, item in enumerate(value, 1):
        where = f"{name}: turn {number}"
        if isinstance(item, str):
            # Texts alone speak in alternation, the user first.
            yield in_turn[(number - 1) % 2], storable(item.strip())
        elif isinstance(item, list) and len(item) == 2:
            yield from ((role, _text(*part, where)) for role, part in _pair(item))
        elif isinstance(item, Mapping) and item.keys().isdisjoint(_ROLE_KEYS):
            yield from ((role, _text(*part, where)) for role, part in _pair(_in_one(item, where)))
        elif isinstance(item, Mapping):
            yield _turn(item, where)
        else:
            raise Unusable("bad_history", f"{where} is {type(item).__name__}, not a turn")


def _pair(item: Sequence[Any]) -> Iterator[tuple[str, tuple[str, Any]]]:
    """The two roles, each with itself and its part of the pair."""
    for role, part in zip(("user", "assistant"), item, strict=True):
        yield role, (role, part)


def _in_one(item: Mapping[str, Any], where: str) -> list[Any]:
    """Question and answer of an object that has both."""
    parts = [
        next((item[key] for key in keys if key in item), None)
        for keys in (_QUESTION_KEYS, _ANSWER_KEYS)
    ]
    if parts[0] is None:
        raise Unusable("bad_history", f"{where} has no role; it has {', '.join(map(str, item))}")
    return parts


def _turn(item: Mapping[str, Any], where: str) -> Turn:
    role = role_of(item)
    if role == "tool" or item.get("tool_calls") or item.get("function_call"):
        raise Unusable("tool_turns", f"{where} is one of a tool (role {_said_role(item)!r})")
    if role is None:
        raise Unusable("bad_history", f"{where} has the role {_said_role(item)!r}")
    for key in _TEXT_KEYS:
        if (value := item.get(key)) is not None:
            return role, _text(role, value, where)
    return role, ""


def role_of(turn: Mapping[str, Any]) -> str | None:
    """user, assistant, system or tool, whatever a file calls them; None if it is none of these."""
    said = _said_role(turn)
    if not isinstance(said, str):
        return None
    return _ROLES.get(said.strip().casefold())


def _said_role(turn: Mapping[str, Any]) -> Any:
    return turn.get("role") or turn.get("from")


def _text(role: str, value: Any, where: str) -> str:
    """The text of a turn; "" if it is empty."""
    if is_missing(value):
        return ""
    parts = value if isinstance(value, list) else [value]
    text = "\n".join(filter(None, (_part(part, where) for part in parts)))
    return text if role == "assistant" else without_picture(text, where)


def _part(part: Any, where: str) -> str:
    """The text of a part of a turn's content."""
    if isinstance(part, Mapping):
        kind = part.get("type", "text")
        if kind in ("tool_use", "tool_result", "tool_call"):
            raise Unusable("tool_turns", f"{where} has a part of the type {kind!r}")
        if kind in _THINKING_PARTS:
            return ""
        if kind not in _TEXT_PARTS:
            raise Unusable("has_media", f"{where} has a part of the type {kind!r}")
        part = part.get("text")
    if not isinstance(part, str):
        raise Unusable("bad_history", f"{where} has {type(part).__name__}, not text")
    return storable(part.strip())

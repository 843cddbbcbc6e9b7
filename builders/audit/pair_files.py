"""Pairs from files: our own shape, `prompt/chosen/rejected`, and HH-RLHF's transcripts.

A conversation is what sources of instructions take for one (`builders.instructions.turns`). What
cannot be read is counted by reason and never guessed at. Which of a chosen and a rejected answer
becomes A is decided by a hash, so that the place of an answer says nothing.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from builders.audit.frozen import LEFT_OUT
from builders.audit.rows import CHOICES
from builders.errors import BadInput
from builders.files.tables import read_table
from builders.instructions.record import Unusable
from builders.instructions.texts import is_missing, storable
from builders.instructions.turns import (
    Turn,
    are_turns,
    as_turns,
    conversation_of,
    role_of,
    turns_of,
)
from builders.rows import InvalidRow, Row
from builders.rows.schema import HISTORY

Format = Literal["pairs", "hh", "auto"]
FORMATS: tuple[Format, ...] = ("pairs", "hh", "auto")
# The one who chose in files that do not say who did.
SOMEBODY = "people"

_INSTRUCTIONS = ("instruction", "prompt", "question", "input")
_CHOSEN = ("chosen", "rejected")


class Unreadable(Exception):
    """A part of a file that is no pair; the message is one of `builders.audit.frozen.LEFT_OUT`."""


def read_pairs(path: Path, form: Format, license_: str) -> tuple[list[Row], Counter[str]]:
    """The pairs of a file, and how many of its rows are none, by reason.

    BadInput if the file is not a table, or two rows have one `id`.
    """
    pairs, left_out, ids, seen = [], Counter[str](), set(), set()
    for place, row in read_table(path):
        try:
            pair = {**_read(row, form), "stratum": None, "stratum_rows": None}
        except Unreadable as reason:
            left_out[str(reason)] += 1
            continue
        content = _hash(pair)
        if content in seen:
            left_out["duplicate"] += 1
            continue
        seen.add(content)
        pair["id"] = pair["id"] or content
        pair["source"] = pair["source"] or path.name
        pair["license"] = pair["license"] or license_
        if pair["id"] in ids:
            raise BadInput(f"{place}: the id {pair['id']} came earlier")
        ids.add(pair["id"])
        pairs.append(pair)
    return pairs, left_out


def _read(row: Mapping[str, Any], form: Format) -> Row:
    chosen = row.get("chosen")
    if form == "hh" or (form == "auto" and _is_transcript(chosen) and not row.get("prompt")):
        return _from_choice(row, [], [_answered(row.get(name), name) for name in _CHOSEN])
    if "chosen" in row or "rejected" in row:
        return _from_preference(row)
    return _from_pair(row)


def _is_transcript(value: Any) -> bool:
    return isinstance(value, str) and value.lstrip().startswith("Human:")


def _from_pair(row: Mapping[str, Any]) -> Row:
    """Our own shape: `instruction`, `answer_a`, `answer_b`, and `better` or `choices`."""
    asked = [name for name in _INSTRUCTIONS if not is_missing(row.get(name))]
    if not asked:
        raise Unreadable("no_instruction")
    choices = row.get("choices") or ({SOMEBODY: row["better"]} if row.get("better") else {})
    if not isinstance(choices, Mapping):
        raise Unreadable("no_preference")
    context = _turns(row.get("history"), "history") + _asked(row[asked[0]], asked[0])
    # What the instruction is about, where both have columns.
    for name in asked[1:]:
        if name == "input" and isinstance(row[name], str) and context[-1:]:
            context[-1] = ("user", f"{context[-1][1]}\n\n{row[name].strip()}")
    return _pair(
        row,
        context,
        [row.get("answer_a"), row.get("answer_b")],
        [
            {"person": str(person), "better": better, "score_a": None, "score_b": None}
            for person, better in choices.items()
        ],
    )


def _from_preference(row: Mapping[str, Any]) -> Row:
    """`prompt`, `chosen` and `rejected`, as texts or as conversations."""
    prompt, answers = row.get("prompt"), [row.get(name) for name in _CHOSEN]
    context = [] if is_missing(prompt) else _asked(prompt, "prompt")
    if not any(map(_is_conversation, answers)):
        if not context:
            raise Unreadable("no_instruction")
        return _from_choice(row, context, [([], answer) for answer in answers])
    if not all(map(_is_conversation, answers)):
        raise Unreadable("no_two_answers")
    return _from_choice(row, context, [_answered(row[name], name) for name in _CHOSEN])


def _is_conversation(value: Any) -> bool:
    return _is_transcript(value) or (not isinstance(value, str) and are_turns(value))


def _asked(value: Any, name: str) -> list[Turn]:
    """The turns of an instruction, which is a text or a conversation."""
    if isinstance(value, str) and not are_turns(value):
        return [("user", value.strip())]
    return _turns(value, name)


def _turns(value: Any, name: str) -> list[Turn]:
    """The turns of a conversation that may lack its last answer; none if there is no value."""
    if is_missing(value) or value == []:
        return []
    try:
        return turns_of(value, name, may_lack_answer=True)
    except Unusable as error:
        raise _unreadable(error) from None


def _unreadable(error: Unusable) -> Unreadable:
    return Unreadable(error.reason if error.reason in LEFT_OUT else "bad_transcript")


def _answered(value: Any, name: str) -> tuple[list[Turn], str]:
    """The turns of a conversation before its last answer, and that answer."""
    if not _is_conversation(value):
        raise Unreadable("no_two_answers")
    turns, last = _turns(value, name), as_turns(value)
    if turns and turns[-1][0] == "assistant":
        *before, (_, answer) = turns
    else:
        # An empty answer was left out.
        if not isinstance(last, list) or not last or not _is_by_assistant(last[-1]):
            raise Unreadable("bad_transcript")
        before, answer = turns, ""
    if before and before[-1][0] != "user":
        raise Unreadable("bad_transcript")
    return before, answer


def _is_by_assistant(turn: Any) -> bool:
    return isinstance(turn, Mapping) and role_of(turn) == "assistant"


def _from_choice(
    row: Mapping[str, Any], context: list[Turn], answered: Sequence[tuple[list[Turn], Any]]
) -> Row:
    """A pair of which the first answer was chosen; some files repeat the context before each."""
    (before, chosen), (other, rejected) = answered
    if before != other:
        raise Unreadable("other_contexts")
    context = before or context
    text = json.dumps([context, sorted(map(str, (chosen, rejected)))])
    better = "ab"[hashlib.sha256(text.encode()).digest()[0] % 2]
    choice = {"person": SOMEBODY, "better": better, "score_a": None, "score_b": None}
    return _pair(
        row, context, [chosen, rejected] if better == "a" else [rejected, chosen], [choice]
    )


def _pair(
    row: Mapping[str, Any], context: list[Turn], answers: Sequence[Any], choices: Sequence[Row]
) -> Row:
    """A row of `PAIR_ROWS`, but for its stratum; `Unreadable` if it would not be one."""
    # Turns in a row by one speaker could be missing the other's between them.
    roles = [role for role, _ in context if role != "system"]
    if any(one == other for one, other in pairwise(roles)):
        raise Unreadable("bad_transcript")
    try:
        asked = conversation_of(context)
    except Unusable as error:
        raise _unreadable(error) from None
    if asked.draft is not None:
        raise Unreadable("bad_transcript")
    if not asked.instruction.strip():
        raise Unreadable("no_instruction")
    if not all(isinstance(answer, str) for answer in answers):
        raise Unreadable("no_two_answers")
    first, second = (storable(answer).strip() for answer in answers)
    if not first or not second:
        raise Unreadable("empty_answer")
    if first == second:
        raise Unreadable("equal_answers")
    if not choices or any(choice["better"] not in CHOICES for choice in choices):
        raise Unreadable("no_preference")
    history = [{**turn, "content": storable(turn["content"])} for turn in asked.history]
    try:
        HISTORY.check(history)
    except InvalidRow:
        raise Unreadable("bad_transcript") from None
    texts = ("criteria", "source", "license", "writer_a", "writer_b")
    return {
        "id": str(row["id"]) if row.get("id") is not None else None,
        "instruction": storable(asked.instruction).strip(),
        "system": _text(asked.system) or _text(row.get("system")),
        "history": history,
        "task": None,
        "answer_a": first,
        "answer_b": second,
        "choices": [{**choice, "shown_first": None} for choice in choices],
        **{key: _text(row.get(key)) for key in texts},
        **{key: _number(row.get(key)) for key in ("score_a", "score_b")},
        "control_scores": [],
        "inclusion_probability": 1.0,
    }


def _text(value: Any) -> str | None:
    return storable(value).strip() or None if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    """A finite number, or None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < float("inf") else None


def _hash(pair: Row) -> str:
    """16 hexadecimal digits of a pair's texts, the same whichever answer is A."""
    answers = sorted([pair["answer_a"], pair["answer_b"]])
    text = json.dumps([pair["system"], pair["history"], pair["instruction"], answers])
    return hashlib.sha256(text.encode()).hexdigest()[:16]

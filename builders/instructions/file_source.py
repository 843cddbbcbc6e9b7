"""Instructions from a table file, in the usual shapes or with its columns named."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from builders.errors import BadInput
from builders.files.tables import read_rows
from builders.instructions.columns import (
    CONVERSATIONS,
    Paths,
    recognized,
    refuse_media,
    unread,
    value_at,
)
from builders.instructions.record import InstructionRecord, Unusable
from builders.instructions.texts import asked_text, is_missing, text_of
from builders.instructions.turns import Turn, are_turns, conversation_of, turns_of

# What a message puts before the detail of a reason, where that does not say it alone.
_PROBLEMS = {
    "column_missing": "{}; set `columns`, or",
    "wrong_type": "{}; set `columns` or `ignore`, or",
    "no_instruction": "no instruction ({}); set `columns`, or",
    "bad_history": "the history cannot be used ({}); set",
    "tool_turns": "turns of tools cannot be used ({}); set",
    "has_media": "only text can be used ({}); set",
}


@dataclass(frozen=True)
class FileSource:
    """Rows of a table file.

    `columns` maps "instruction", "input", "system", "draft", "history" and "criteria" to a column,
    or several for "input"; a dotted path such as "instances.0.input" reaches into nested values.
    An instruction may be a whole conversation: its last user turn is the instruction, with the
    turns before it as the history, and the answer to it as the draft. If `columns` has no
    "instruction", the usual shapes are recognized beside it, and BadInput names a column whose text
    is not read. Those of `ignore` are no part of the task.

    A row that cannot be used is an error with `bad_rows` "fail" (BadInput), and a record with a
    reason with "drop".
    """

    path: Path
    name: str
    license: str
    columns: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    ignore: Sequence[str] = ()
    bad_rows: str = "fail"
    limit: int | None = None

    def records(self) -> Iterator[InstructionRecord]:
        for row in islice(read_rows(self.path), self.limit):
            try:
                if row.fault:
                    raise Unusable("row_unreadable", row.fault)
                yield self._record(row.values, row.place)
            except Unusable as error:
                if self.bad_rows == "fail":
                    problem = _PROBLEMS.get(error.reason, "{}; set").format(error.detail)
                    raise BadInput(
                        f"{row.place}: {problem} `bad_rows: drop` to continue without such rows"
                    ) from None
                detail = f"{row.at}: {error.detail}"
                yield InstructionRecord("", reason=error.reason, detail=detail)

    def _record(self, row: Mapping[str, Any], place: str) -> InstructionRecord:
        paths, named = self._paths(), "instruction" in self.columns
        if not named:
            paths = {**recognized(row, self.ignore), **paths}
        refuse_media(row, self.ignore)
        record = _read(row, paths, named=named)
        if missed := list(unread(row, paths, record, self.ignore, named=named)):
            raise BadInput(
                f"{place}: the text in {', '.join(missed)} is not read; say in `columns` which "
                f"part of the task it is, such as `input: {missed[0]}`, or list it in `ignore`"
            )
        return record

    def _paths(self) -> dict[str, list[str]]:
        return {
            part: [path] if isinstance(path, str) else list(path)
            for part, path in self.columns.items()
        }


def _read(row: Mapping[str, Any], paths: Paths, *, named: bool) -> InstructionRecord:
    """The record of a row; `Unusable` if it has none."""

    def texts(part: str) -> list[str]:
        found = (asked_text(value_at(row, path), path) for path in paths.get(part, ()))
        return [text for text in found if text]

    (path,) = paths["instruction"]
    turns: list[Turn] = [("system", text) for text in texts("system")]
    for column in paths.get("history", ()):
        turns += _history(value_at(row, column), column)
    turns += _asked(value_at(row, path), path)
    if inputs := texts("input"):
        place = max(at for at, (role, _) in enumerate(turns) if role == "user")
        turns[place] = ("user", "\n\n".join([turns[place][1], *inputs]))
    talk = conversation_of(turns)
    (draft,) = [_draft(row, path, named) for path in paths.get("draft", ())] or [None]
    criteria = "\n\n".join(texts("criteria")) or None
    first, second = (draft, talk.draft) if named else (talk.draft, draft)
    return InstructionRecord(talk.instruction, talk.system, first or second, talk.history, criteria)


def _asked(value: Any, path: str) -> list[Turn]:
    """The turns of an instruction's column: a conversation, or its text as the user's turn."""
    if are_turns(value) or path.split(".")[-1].casefold() in CONVERSATIONS:
        turns = turns_of(value, path, may_lack_answer=True)
        if not any(role == "user" for role, _ in turns):
            raise Unusable("no_instruction", "no user turn")
        return turns
    if (text := asked_text(value, path)) is None:
        raise Unusable("no_instruction", f"{path!r} is empty")
    return [("user", text)]


def _history(value: Any, path: str) -> list[Turn]:
    if is_missing(value):
        return []
    turns = turns_of(value, path)
    if turns and turns[-1][0] == "user":
        raise Unusable("bad_history", f"{path} ends with a user's turn")
    return turns


def _draft(row: Mapping[str, Any], path: str, named: bool) -> str | None:
    """The answer in a column, as text or as turns; one that only might be it has to be text."""
    value = value_at(row, path)
    if are_turns(value):
        turns = turns_of(value, path, may_lack_answer=True)
        if any(role != "assistant" for role, _ in turns):
            raise Unusable("wrong_type", f"{path} has turns that are not the assistant's")
        return "\n\n".join(text for _, text in turns) or None
    return text_of(value, path) if named or isinstance(value, str) else None

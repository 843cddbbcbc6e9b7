"""Columns of chat turns: lists of {role, content}."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builders.rows import InvalidRow
from builders.rows.kinds import Choice, Kind, ListOf, Struct, Text, all_true


def whole_text(instruction: str, history: Sequence[Mapping[str, str]]) -> str:
    """The text of a conversation up to an instruction, which other turns before it make another.

    >>> whole_text("Go on.", [{"role": "user", "content": "Hi"}]), whole_text("Go on.", [])
    ('Hi\\nGo on.', 'Go on.')
    """
    return "\n".join([*(turn["content"] for turn in history), instruction])


def asked_text(instruction: str, history: Sequence[Mapping[str, str]]) -> str:
    """All that the user asked: by this, conversations resemble each other or an evaluation's.

    The assistant's turns are left out, which may be long and have another answer to the same.

    >>> history = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]
    >>> asked_text("Go on.", history), asked_text("Go on.", [])
    ('Hi\\nGo on.', 'Go on.')
    """
    users = (turn["content"] for turn in history if turn["role"] == "user")
    return "\n".join([*users, instruction])


def history_list(column: pa.ChunkedArray) -> list[list[dict[str, str]]]:
    """A column `history` in Python, at once where no row has turns before its instruction."""
    if pc.sum(pc.list_value_length(column)).as_py():
        return column.to_pylist()
    return [[] for _ in range(len(column))]


_CONTENT = Text(filled=True)
_TURN = Struct(
    fields={"role": Choice(choices=("system", "user", "assistant")), "content": _CONTENT}
)
_ANSWERED = ("user", "assistant")
_ANSWERED_TURN = Struct(fields={"role": Choice(choices=_ANSWERED), "content": _CONTENT})


@dataclass(frozen=True, kw_only=True)
class Prompt(ListOf):
    """A conversation that ends with a turn of `last`: the user's, if it is a prompt."""

    item: Kind = _TURN
    name: str = "turns"
    last: str = "user"

    def _check(self, value: Any) -> None:
        super()._check(value)
        if problem := self._problem([turn["role"] for turn in value]):
            raise InvalidRow(problem)

    def _holds(self, column: pa.ListArray) -> bool:
        if not super()._holds(column):
            return False
        lengths = pc.list_value_length(column).to_numpy()
        return self._roles_hold(lengths, column.flatten().field("role"))

    def _problem(self, roles: Sequence[str]) -> str | None:
        """What is wrong with the order of the roles, or None."""
        if not roles:
            return "is empty"
        last = self.last
        return None if roles[-1] == last else f"does not end with the {last}'s turn"

    def _roles_hold(self, lengths: np.ndarray, roles: pa.StringArray) -> bool:
        """Whether `_problem` finds nothing in any of the lists, whose roles follow each other."""
        if not (lengths > 0).all():
            return False
        last = roles.take(pa.array(np.cumsum(lengths) - 1))
        return all_true(pc.equal(last, self.last))


class Answer(Prompt):
    """One turn of the assistant."""

    def _problem(self, roles: Sequence[str]) -> str | None:
        if not roles:
            return "is empty"
        return None if roles == ["assistant"] else "is not one turn of the assistant"

    def _roles_hold(self, lengths: np.ndarray, roles: pa.StringArray) -> bool:
        return bool((lengths == 1).all()) and all_true(pc.equal(roles, "assistant"))


@dataclass(frozen=True, kw_only=True)
class History(Prompt):
    """The turns before an instruction: user and assistant in alternation, who speaks last; or none.

    The first turn may be the assistant's, as a greeting is.
    """

    item: Kind = _ANSWERED_TURN

    def _problem(self, roles: Sequence[str]) -> str | None:
        if roles == [_ANSWERED[at % 2] for at in range(-len(roles), 0)]:
            return None
        return f"has the roles {', '.join(roles)}, which do not alternate up to the assistant's"

    def _roles_hold(self, lengths: np.ndarray, roles: pa.StringArray) -> bool:
        # A turn's distance from the end of its list is even for the assistant's, the last one's.
        ends = np.repeat(np.cumsum(lengths), lengths)
        is_assistant = (ends - np.arange(len(roles))) % 2 == 1
        return all_true(pc.equal(pc.equal(roles, "assistant"), pa.array(is_assistant)))


def conversation_text(row: Mapping[str, Any]) -> str:
    """What an answer of a ledger row answers, as one text: system prompt, history, instruction."""
    conversation = whole_text(row["instruction"], row.get("history") or ())
    return "\n".join(filter(None, (row["system"], conversation)))

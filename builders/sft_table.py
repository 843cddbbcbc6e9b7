"""Training rows of many ledger rows at once, by columns: a release has some twenty of each row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builders.feedback import BETWEEN_BLOCKS, BLOCKS
from builders.prompts import Message
from builders.schema import HUMAN, SFT
from builders.sft import Column, Feedback, Rows, SftForm, Turn, turns_of

_ROLES = pa.array(["system", "user", "assistant"])
_PLACE = {role: place for place, role in enumerate(_ROLES.to_pylist())}


@dataclass(frozen=True)
class Taught:
    """Kept ledger rows, valid ones; what several forms need of them is made once."""

    kept: pa.Table
    _made: dict[tuple, pa.Array] = field(default_factory=dict)

    def text(self, text: str | Feedback) -> pa.Array:
        """A text of each row, or a fixed one once."""
        if isinstance(text, Feedback):
            return self._feedback(text)
        return self._column(text) if isinstance(text, Column) else pa.array([text])

    def having(self, rows: Rows) -> np.ndarray:
        """The places of these rows, ascending."""
        if rows is Rows.ALL:
            return np.arange(len(self.kept))
        changed = pc.not_equal(self._column("refinement"), self._column("draft"))
        # Of a person's correction there are scores and no reviews: empty ones say nothing.
        reviewed = pc.not_equal(self._column("source"), HUMAN)
        review = self._column("refinement_assessment")
        empty = [
            pc.equal(pc.list_value_length(review.field(part)), 0)
            for part in ("weaknesses", "suggestions")
        ]
        done = pc.and_(*empty)
        wanted = pc.and_(pc.and_(changed, reviewed), done if rows is Rows.DONE else pc.invert(done))
        return np.flatnonzero(wanted.to_numpy(zero_copy_only=False))

    def there(self, text: str) -> np.ndarray | None:
        """Which rows have a message of this text at all; None for every one of them.

        A conversation has its system prompt only where that says something.
        """
        if not (isinstance(text, Column) and text == "system"):
            return None
        said = pc.greater(pc.binary_length(self._column(text)), 0)
        return pc.fill_null(said, False).to_numpy(zero_copy_only=False)

    def _column(self, name: str) -> pa.Array:
        if (name,) not in self._made:
            self._made[name,] = self.kept[name].combine_chunks()
        return self._made[name,]

    def _feedback(self, feedback: Feedback) -> pa.Array:
        key = (feedback,)
        if key not in self._made:
            parts = [part for part in BLOCKS if part in feedback.parts]
            blocks = [self._block(feedback.critique, part) for part in parts]
            if feedback.refinement is not None:
                blocks.append(self._block(feedback.refinement, "refinement"))
            self._made[key] = pc.binary_join_element_wise(*blocks, BETWEEN_BLOCKS)
        return self._made[key]

    def _block(self, column: str, part: str) -> pa.Array:
        key = (column, part)
        if key not in self._made:
            values = self._column(column)
            if part != "refinement":
                values = values.field(part)
            listed = _lists(values) if pa.types.is_list(values.type) else values.to_pylist()
            self._made[key] = pa.array(map(BLOCKS[part], listed), pa.string())
        return self._made[key]


def _lists(column: pa.ListArray) -> list[list[str]]:
    """What `to_pylist` gives, at a third of its cost: the texts in one go."""
    texts, bounds = column.flatten().to_pylist(), [0]
    bounds += np.cumsum(column.value_lengths().to_numpy()).tolist()
    return [texts[start:end] for start, end in pairwise(bounds)]


def sft_table(taught: Taught, form: SftForm) -> pa.Table:
    """The rows of `form`: each ledger row's turns in their order, row after row."""
    turns = turns_of(form)
    places = [taught.having(turn.rows) for turn in turns]
    row = np.concatenate(places)
    turn = np.repeat(np.arange(len(turns)), list(map(len, places)))
    order = np.argsort(row, kind="stable")
    row, turn = row[order], turn[order]
    columns = [
        taught.kept["id"].combine_chunks().take(pa.array(row)),
        pa.array([turn.name for turn in turns]).take(pa.array(turn)),
        _messages(taught, [turn.prompt for turn in turns], row, turn),
        _messages(taught, [(_completion(turn),) for turn in turns], row, turn),
    ]
    return pa.table(columns, schema=SFT.arrow_schema)


def _completion(turn: Turn) -> Message:
    return {"role": "assistant", "content": turn.completion}


def _messages(
    taught: Taught,
    conversations: Sequence[Sequence[Message]],
    row: np.ndarray,
    turn: np.ndarray,
) -> pa.ListArray:
    """The conversation of each turn of `row`, for its texts; shape [len(row)], of any length."""
    pool: list[pa.Array] = []
    length = max(map(len, conversations))
    # For each message of each conversation: the place in the pool of the text of row 0, how far
    # that of the next row is from it, and the role.
    start, step, role = (np.zeros((len(conversations), length), np.int64) for _ in range(3))
    there = np.zeros((length, len(row)), bool)
    known: dict[str | Feedback, int] = {}
    for number, conversation in enumerate(conversations):
        mine = turn == number
        for at, message in enumerate(conversation):
            text = message["content"]
            if (key := (type(text), text)) not in known:
                known[key] = sum(map(len, pool))
                pool.append(taught.text(text))
            start[number, at] = known[key]
            step[number, at] = isinstance(text, Column | Feedback)
            role[number, at] = _PLACE[message["role"]]
            said = taught.there(text)
            there[at, mine] = True if said is None else said[row[mine]]
    kept = there.T
    texts = (start[turn] + step[turn] * row[:, None])[kept]
    bounds = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int32)
    parts = [
        _ROLES.take(pa.array(role[turn][kept])),
        pa.concat_arrays(pool).take(pa.array(texts)),
    ]
    return pa.ListArray.from_arrays(
        pa.array(bounds), pa.StructArray.from_arrays(parts, ["role", "content"])
    )

"""Training rows of many ledger rows at once, by columns: a release has some twenty of each row.

The rows are those of `builders.training.sft.to_sft`. No text is copied row by row: all texts are
put into one pool, and a message is a place in it.

    >>> import pyarrow as pa
    >>> from builders.training.sft import SFT_FORMS
    >>> rows = [
    ...     {"id": "a", "instruction": "Why?", "refinement": "Because."},
    ...     {"id": "b", "instruction": "Who?", "refinement": "It is me.",
    ...      "system": "Be kind."},
    ... ]
    >>> texts = ("id", "system", "instruction", "refinement")
    >>> schema = pa.schema({**dict.fromkeys(texts, pa.string()), "history": MESSAGES})
    >>> table = pa.Table.from_pylist([{"history": [], **row} for row in rows], schema)
    >>> made = sft_table(RowTexts(table), SFT_FORMS["sft-refinement-only"])

The prompt of this form is (system prompt, history, instruction). The pool is [None, "Be kind.",
"Why?", "Who?"]: first the system prompts of all rows, then their histories (none here), then
their instructions. For each row and each of the three messages of the prompt, `first` is its place
in the pool and `count` how many texts it has from there on:

    first = [[0, 2, 2],    count = [[0, 0, 1],
             [1, 2, 3]]             [1, 0, 1]]

so that the places are [2] and [1, 3], one after the other, and row b begins at 1 of the 3 messages:

    >>> made["prompt"].to_pylist()[1]
    [{'role': 'system', 'content': 'Be kind.'}, {'role': 'user', 'content': 'Who?'}]
    >>> made["completion"].to_pylist()[1]
    [{'role': 'assistant', 'content': 'It is me.'}]
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builders.critique.prompts import Message
from builders.critique.render import BETWEEN_BLOCKS, BLOCKS
from builders.critique.render_column import block_column
from builders.rows.schema import HUMAN, SFT, SFT_MESSAGES
from builders.training.sft import SftForm, request
from builders.training.sft_turns import HISTORY, Column, Feedback, Request, Rows, turns_of

SFT_SCHEMA = SFT.arrow_schema
MESSAGES = SFT_SCHEMA.field("prompt").type

_Places = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class RowTexts:
    """The texts of ledger rows, valid ones; each is made once for all forms."""

    rows: pa.Table
    _cache: dict[tuple, pa.Array] = field(default_factory=dict)

    def column(self, name: str) -> pa.Array:
        if (name,) not in self._cache:
            self._cache[name,] = self.rows[name].combine_chunks()
        return self._cache[name,]

    def feedback(self, feedback: Feedback) -> pa.Array:
        """The text of `render_feedback` for each row."""
        key = (feedback,)
        if key not in self._cache:
            parts = [part for part in BLOCKS if part in feedback.parts]
            blocks = [self._block(feedback.critique, part) for part in parts]
            if feedback.refinement is not None:
                blocks.append(self._block(feedback.refinement, "refinement"))
            self._cache[key] = pc.binary_join_element_wise(*blocks, BETWEEN_BLOCKS)
        return self._cache[key]

    def request(self, asked: Request) -> pa.Array:
        """The text of `request` for each row, or only one text where no row has criteria."""
        key = (asked,)
        if key not in self._cache:
            column = self.column("criteria")
            criteria = column.to_pylist() if column.null_count < len(column) else [None]
            texts = (request(asked.parts, asked.refined, one) for one in criteria)
            self._cache[key] = pa.array(texts, pa.string())
        return self._cache[key]

    def rows_with(self, rows: Rows) -> np.ndarray:
        """The numbers of these rows, ascending."""
        if rows is Rows.ALL:
            return np.arange(len(self.rows))
        changed = pc.not_equal(self.column("refinement"), self.column("draft"))
        by_model = pc.not_equal(self.column("source"), HUMAN)
        critique = self.column("refinement_assessment")
        empty = [
            pc.equal(pc.list_value_length(critique.field(part)), 0)
            for part in ("weaknesses", "suggestions")
        ]
        done = pc.and_(*empty)
        chosen = pc.and_(pc.and_(changed, by_model), done if rows is Rows.DONE else pc.invert(done))
        return np.flatnonzero(chosen.to_numpy(zero_copy_only=False))

    def _block(self, column: str, part: str) -> pa.Array:
        key = (column, part)
        if key not in self._cache:
            values = self.column(column)
            if part != "refinement":
                values = values.field(part)
            self._cache[key] = block_column(part, values)
        return self._cache[key]


def sft_table(texts: RowTexts, form: SftForm) -> pa.Table:
    """The rows of `form`: each ledger row's turns in their order, row after row."""
    turns = turns_of(form)
    numbers = [texts.rows_with(turn.rows) for turn in turns]
    row = np.concatenate(numbers)
    turn = np.repeat(np.arange(len(turns)), list(map(len, numbers)))
    order = np.argsort(row, kind="stable")
    row, turn = row[order], turn[order]
    completions = [({"role": "assistant", "content": turn.completion},) for turn in turns]
    columns = [
        texts.column("id").take(pa.array(row)),
        pa.array([turn.name for turn in turns]).take(pa.array(turn)),
        conversations(texts, [turn.prompt for turn in turns], row, turn),
        conversations(texts, completions, row, turn),
    ]
    return pa.table(columns, schema=SFT_SCHEMA)


def messages_table(texts: RowTexts) -> pa.Table:
    """One conversation for each row, all turns of config `sft` in one column of messages."""
    *_, last = turns_of(SftForm())
    conversation = (*last.prompt, {"role": "assistant", "content": last.completion})
    row = np.arange(len(texts.rows))
    messages = conversations(texts, [conversation], row, np.zeros_like(row))
    return pa.table([texts.column("id"), messages], schema=SFT_MESSAGES.arrow_schema)


def conversations(
    texts: RowTexts,
    conversations: Sequence[Sequence[Message]],
    row: np.ndarray,
    turn: np.ndarray,
) -> pa.ListArray:
    """For each i, the conversation number `turn[i]` with the texts of ledger row `row[i]`."""
    pool = _Pool(texts)
    length = max(map(len, conversations))
    first, count = (np.zeros((len(row), length), np.int64) for _ in range(2))
    for number, conversation in enumerate(conversations):
        chosen = np.flatnonzero(turn == number)
        for at, message in enumerate(conversation):
            places, counts = pool.add(message)
            first[chosen, at], count[chosen, at] = places[row[chosen]], counts[row[chosen]]
    places = _ranges(first.ravel(), count.ravel())
    bounds = np.concatenate([[0], np.cumsum(count.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(bounds), pool.messages(places))


def _ranges(first: np.ndarray, count: np.ndarray) -> np.ndarray:
    """`count[i]` whole numbers from `first[i]` on, for each i: [5, 2], [2, 1] → [5, 6, 2]."""
    ends = np.cumsum(count)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - count), count)


class _Pool:
    """The messages of all rows, each column once."""

    def __init__(self, texts: RowTexts) -> None:
        self._texts = texts
        self._size = 0
        self._roles: list[pa.Array] = []
        self._contents: list[pa.Array] = []
        self._known: dict[tuple, _Places] = {}

    def add(self, message: Message) -> _Places:
        """For each ledger row, the place of this message in the pool and how many it is there."""
        text = message["content"]
        key = (message["role"], type(text), text)
        if key not in self._known:
            self._known[key] = self._add(message["role"], text)
        return self._known[key]

    def _add(self, role: str, text: str | Feedback | Request) -> _Places:
        rows, size = len(self._texts.rows), self._size
        if text == HISTORY and isinstance(text, Column):
            history = self._texts.column(HISTORY)
            turns = history.flatten()
            self._put(turns.field("role"), turns.field("content"))
            counts = pc.list_value_length(history).to_numpy()
            return size + np.cumsum(counts) - counts, counts
        contents = self._contents_of(text)
        self._put(pa.repeat(role, len(contents)), contents)
        counts = np.ones(rows, np.int64)
        if len(contents) != rows:
            return np.full(rows, size), counts
        if role == "system":
            # A conversation has no system turn where the row has no system prompt.
            filled = pc.fill_null(pc.greater(pc.binary_length(contents), 0), False)
            counts = filled.to_numpy(zero_copy_only=False).astype(np.int64)
        return size + np.arange(rows), counts

    def _contents_of(self, text: str | Feedback | Request) -> pa.Array:
        """A text for each row, or one for all of them."""
        match text:
            case Column():
                return self._texts.column(text)
            case Feedback():
                return self._texts.feedback(text)
            case Request():
                return self._texts.request(text)
        return pa.array([text])

    def _put(self, roles: pa.Array, contents: pa.Array) -> None:
        self._size += len(contents)
        self._roles.append(roles)
        self._contents.append(contents)

    def messages(self, places: np.ndarray) -> pa.StructArray:
        """The messages at these places."""
        columns = [
            pa.concat_arrays(arrays).take(pa.array(places))
            for arrays in (self._roles, self._contents)
        ]
        return pa.StructArray.from_arrays(columns, ["role", "content"])

"""Whether an instruction is in the data that a model was trained on.

Stage 2 needs instructions that stage 1 did not contain (arXiv 2406.07168): a model repeats what it
was trained on, and its own judgment of that is worthless.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from builders.duplicates.exact import normalize
from builders.duplicates.minhash import PERMUTATIONS, SIMILARITY, sketches
from builders.errors import BadInput
from builders.ledger.rows import ledger_rows
from builders.rows import Row
from builders.rows.conversations import asked_text
from builders.rows.ids import instruction_id

# Two sketches are compared if so many consecutive numbers are equal.
_BAND = 4
_COLUMNS = ["id", "history", "instruction", "task"]


class InstructionIndex:
    """Instructions by id, by normalized text, and by similarity; a few kilobytes each.

    The text is that of the user's turns: the instruction, and those before it.

    Problems with a computable answer resemble each other by design, and are compared by the
    problem (`task`) instead.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()
        # The ids of instructions by other keys.
        self._texts: dict[str, str] = {}
        self._tasks: dict[str, str] = {}
        self._bands: defaultdict[tuple[int, bytes], list[str]] = defaultdict(list)
        self._sketches: dict[str, np.ndarray] = {}

    @classmethod
    def of_folders(cls, folders: Sequence[Path]) -> "InstructionIndex":
        """The instructions of runs or releases. BadInput if a folder is neither."""
        index = cls()
        for folder in folders:
            try:
                for row in ledger_rows(folder, _COLUMNS):
                    index.add(row)
            except BadInput as error:
                raise BadInput(f"disjoint_from: {error}") from None
        return index

    def add(self, row: Row) -> None:
        row_id = row["id"]
        if row_id in self._ids:
            return
        self._ids.add(row_id)
        # Of several drafts of one instruction, one is compared.
        first = self._texts.setdefault(normalize(_asked(row)), row_id)
        if instruction_id(first) == instruction_id(row_id) and first != row_id:
            return
        if row["task"] is not None:
            self._tasks.setdefault(row["task"], row_id)
            return
        sketch = self._sketches[row_id] = sketches([_asked(row)])[0]
        for band in _bands(sketch):
            self._bands[band].append(row_id)

    def same_as(self, row: Row) -> str | None:
        """The id of an instruction that `row` repeats or nearly repeats, or None."""
        if row["id"] in self._ids:
            return row["id"]
        if same := self._texts.get(normalize(_asked(row))):
            return same
        if row["task"] is not None:
            return self._tasks.get(row["task"])
        sketch = sketches([_asked(row)])[0]
        candidates = {row_id for band in _bands(sketch) for row_id in self._bands.get(band, ())}
        for row_id in sorted(candidates):
            if (sketch == self._sketches[row_id]).mean() >= SIMILARITY:
                return row_id
        return None


def _asked(row: Row) -> str:
    # Instructions from elsewhere than a ledger may have no history.
    return asked_text(row["instruction"], row.get("history") or ())


def _bands(sketch: np.ndarray) -> Iterator[tuple[int, bytes]]:
    """The numbers of a sketch four by four, each with its position."""
    for start in range(0, PERMUTATIONS, _BAND):
        yield start, sketch[start : start + _BAND].tobytes()

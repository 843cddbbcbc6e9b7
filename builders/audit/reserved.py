"""The instructions that audits need, and that no model may therefore be trained on."""

from collections.abc import Sequence
from pathlib import Path

from builders.audit.frozen import FrozenSet, open_set
from builders.errors import BadInput
from builders.rows import Row


class ReservedInstructions:
    """The instructions of frozen sets; false if there are no sets."""

    def __init__(self, sets: Sequence[FrozenSet]) -> None:
        self.sets = sets

    def __bool__(self) -> bool:
        return bool(self.sets)

    def same_as(self, row: Row) -> str | None:
        """Which pair of which set has the row's instruction, or a near-duplicate of it."""
        for frozen in self.sets:
            if (pair := frozen.index.same_as(row)) is not None:
                return f"{pair} of the set {frozen.name}"
        return None


def reserved_instructions(folders: Sequence[str]) -> ReservedInstructions:
    """The instructions of the sets in `folders`; BadInput if one is missing or was changed."""
    sets = []
    for folder in dict.fromkeys(folders):
        try:
            sets.append(open_set(Path(folder)))
        except BadInput as error:
            raise BadInput(f"reserve: {error}") from None
    return ReservedInstructions(sets)

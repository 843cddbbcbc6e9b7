"""What sampling and statistics need to know about a row; none of its texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builders.rows import InvalidRow


@dataclass(frozen=True)
class ReviewableRow:
    """A row with a critique and two different answers. Lengths are in characters.

    The scores are the independent ones; `critique_score` was given along with the critique. A row
    that is not kept was dropped for its scores, or because of people's verdicts.
    """

    id: str
    source: str
    draft_characters: int
    refinement_characters: int
    draft_score: int | None
    refinement_score: int | None
    critique_score: int | None
    is_kept: bool = True

    @property
    def margin(self) -> int | None:
        """The refinement's score minus the draft's."""
        if self.draft_score is None or self.refinement_score is None:
            return None
        return self.refinement_score - self.draft_score

    @property
    def added_characters(self) -> int:
        return self.refinement_characters - self.draft_characters

    @property
    def growth(self) -> float:
        """The characters that the refinement adds, as a share of the draft's length."""
        return self.added_characters / max(self.draft_characters, 1)


def is_reviewable(row: Mapping[str, Any]) -> bool:
    """Whether a ledger or feedback row has a critique and two different answers to compare."""
    texts = (row["draft"], row["critique"], row["refinement"])
    return None not in texts and row["draft"] != row["refinement"]


def reviewable_row(row: Mapping[str, Any]) -> ReviewableRow | None:
    """The facts of a ledger or feedback row; None unless it `is_reviewable`."""
    if not isinstance(row.get("id"), str):
        raise InvalidRow("a row has no id")
    if not is_reviewable(row):
        return None
    return ReviewableRow(
        row["id"],
        row["source"],
        len(row["draft"]),
        len(row["refinement"]),
        row["draft_score"],
        row["refinement_score"],
        row["critique"]["score"],
        row.get("status", "kept") == "kept",
    )

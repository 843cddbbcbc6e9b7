"""What the statistics and the sampling need of a ledger or feedback row; none of its texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builders.schema import InvalidRow


@dataclass(frozen=True)
class Candidate:
    """A row with two answers and a critique. Lengths are in characters.

    The scores are the independent ones; `critique_score` was given along with the critique.
    """

    id: str
    source: str
    draft_characters: int
    refinement_characters: int
    draft_score: int | None
    refinement_score: int | None
    critique_score: int | None

    @property
    def margin(self) -> int | None:
        """By how much the model scores the refinement higher."""
        if self.draft_score is None or self.refinement_score is None:
            return None
        return self.refinement_score - self.draft_score

    @property
    def growth(self) -> float:
        """Characters that the refinement adds, as a share of the draft's."""
        added = self.refinement_characters - self.draft_characters
        return added / max(self.draft_characters, 1)


def candidate(row: Mapping[str, Any]) -> Candidate | None:
    """What is read of a ledger or feedback row; None where nothing can be compared.

    That is a row without a draft, a critique or a refinement, or with two equal answers.
    """
    if not isinstance(row.get("id"), str):
        raise InvalidRow("a row has no id")
    prefix = "draft" if "draft" in row else "response"
    draft, refinement, critique = row[prefix], row["refinement"], row["critique"]
    if draft is None or refinement is None or critique is None or draft == refinement:
        return None
    return Candidate(
        row["id"],
        row["source"],
        len(draft),
        len(refinement),
        row[f"{prefix}_score"],
        row["refinement_score"],
        critique["score"],
    )

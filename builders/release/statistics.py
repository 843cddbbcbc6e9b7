"""Figures that a release's card states beside the funnel's: lengths, gains, sources."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from builders.funnel import mean


@dataclass
class ReleaseStatistics:
    """Running totals over ledger rows; one `add` for each row, in any order.

    Lengths are in characters and of kept rows. `scored_*` are of all rows with both independent
    scores: the kept ones were chosen by these very scores, so their gain alone flatters.
    """

    draft_characters: int = 0
    refinement_characters: int = 0
    longer: int = 0
    unchanged: int = 0
    gains: Counter[int] = field(default_factory=Counter)
    scored_drafts: Counter[int] = field(default_factory=Counter)
    scored_refinements: Counter[int] = field(default_factory=Counter)
    sources: Counter[tuple[str, str]] = field(default_factory=Counter)
    kept_sources: Counter[tuple[str, str]] = field(default_factory=Counter)
    endpoints: set[str] = field(default_factory=set)

    def add(self, row: Mapping[str, Any]) -> None:
        source = (row["source"], row["licence"])
        self.sources[source] += 1
        self.endpoints.update(call["endpoint"] for call in row["calls"])
        before, after = row["draft_score"], row["refinement_score"]
        if before is not None and after is not None:
            self.scored_drafts[before] += 1
            self.scored_refinements[after] += 1
        if row["status"] != "kept":
            return
        self.kept_sources[source] += 1
        self.gains[after - before] += 1
        self.draft_characters += len(row["draft"])
        self.refinement_characters += len(row["refinement"])
        self.longer += len(row["refinement"]) > len(row["draft"])
        self.unchanged += row["refinement"] == row["draft"]

    def as_facts(self) -> dict[str, Any]:
        """The figures as JSON-able facts; means and shares are None where there is no row."""
        kept = self.gains.total()
        drafts, refinements = self.draft_characters, self.refinement_characters

        def per_kept(total: int) -> float | None:
            return total / kept if kept else None

        return {
            "mean_draft_characters": per_kept(drafts),
            "mean_refinement_characters": per_kept(refinements),
            "mean_added_characters": per_kept(refinements - drafts),
            "share_longer": per_kept(self.longer),
            "share_unchanged": per_kept(self.unchanged),
            "share_scored_higher": per_kept(sum(n for gain, n in self.gains.items() if gain > 0)),
            "share_scored_lower": per_kept(sum(n for gain, n in self.gains.items() if gain < 0)),
            "mean_gain": mean(self.gains),
            "scored": self.scored_drafts.total(),
            "mean_draft_score_of_scored": mean(self.scored_drafts),
            "mean_refinement_score_of_scored": mean(self.scored_refinements),
        }

    def source_facts(self) -> list[dict[str, Any]]:
        """Rows drawn and kept by source and licence, the largest source first."""
        ordered = sorted(self.sources.items(), key=lambda item: (-item[1], item[0]))
        return [
            {
                "name": name,
                "licence": licence,
                "rows": rows,
                "kept": self.kept_sources[name, licence],
            }
            for (name, licence), rows in ordered
        ]

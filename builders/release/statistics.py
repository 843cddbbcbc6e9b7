"""Figures that a release's card states beside the funnel's: lengths, gains, sources."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from builders.funnel import mean

_OF_KEPT = ["source", "licence", "draft", "refinement", "draft_score", "refinement_score"]


@dataclass
class ReleaseStatistics:
    """Running totals over ledger rows, by `add` for one or `add_table` for many, in any order.

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
    dropped: Counter[str] = field(default_factory=Counter)
    # Of kept rows.
    draft_scores: Counter[int] = field(default_factory=Counter)
    refinement_scores: Counter[int] = field(default_factory=Counter)

    def add(self, row: Mapping[str, Any]) -> None:
        source = (row["source"], row["licence"])
        self.sources[source] += 1
        self.endpoints.update(call["endpoint"] for call in row["calls"])
        before, after = row["draft_score"], row["refinement_score"]
        if before is not None and after is not None:
            self.scored_drafts[before] += 1
            self.scored_refinements[after] += 1
        if row["status"] != "kept":
            self.dropped[row["reason"]] += 1
            return
        self.draft_scores[before] += 1
        self.refinement_scores[after] += 1
        self.kept_sources[source] += 1
        self.gains[after - before] += 1
        self.draft_characters += len(row["draft"])
        self.refinement_characters += len(row["refinement"])
        self.longer += len(row["refinement"]) > len(row["draft"])
        self.unchanged += row["refinement"] == row["draft"]

    def add_table(self, rows: pa.Table) -> None:
        """Add ledger rows as `add` would, one column at a time."""
        calls = rows["calls"].combine_chunks().flatten()
        self.endpoints.update(pc.unique(calls.field("endpoint")).to_pylist())
        self.sources.update(_pairs(rows["source"], rows["licence"]))
        before, after = rows["draft_score"], rows["refinement_score"]
        both = pc.and_(before.is_valid(), after.is_valid())
        self.scored_drafts.update(before.filter(both).to_pylist())
        self.scored_refinements.update(after.filter(both).to_pylist())
        is_kept = pc.equal(rows["status"], "kept")
        self.dropped.update(rows["reason"].filter(pc.invert(is_kept)).to_pylist())
        self._add_kept(rows.select(_OF_KEPT).filter(is_kept))

    def _add_kept(self, rows: pa.Table) -> None:
        self.kept_sources.update(_pairs(rows["source"], rows["licence"]))
        before, after = (rows[name].to_pylist() for name in ("draft_score", "refinement_score"))
        self.draft_scores.update(before)
        self.refinement_scores.update(after)
        self.gains.update(last - first for first, last in zip(before, after, strict=True))
        lengths = [pc.utf8_length(rows[name]) for name in ("draft", "refinement")]
        self.draft_characters += pc.sum(lengths[0]).as_py() or 0
        self.refinement_characters += pc.sum(lengths[1]).as_py() or 0
        self.longer += pc.sum(pc.less(*lengths)).as_py() or 0
        self.unchanged += pc.sum(pc.equal(rows["draft"], rows["refinement"])).as_py() or 0

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


def _pairs(sources: pa.ChunkedArray, licences: pa.ChunkedArray) -> Iterator[tuple[str, str]]:
    return zip(sources.to_pylist(), licences.to_pylist(), strict=True)

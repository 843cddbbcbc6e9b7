"""What became of a run's candidates: counts by fate, mean scores, tokens and cost."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

SETTINGS = ("model", "endpoint", "template", "temperature", "top_p", "max_new_tokens")


@dataclass
class Funnel:
    """Running totals over ledger rows; one `add` for each row, in any order."""

    rows: int = 0
    drafted: int = 0
    critiqued: int = 0
    scored: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    tokens_in: int = 0
    tokens_out: int = 0
    calls: int = 0
    # Of endpoints that are paid for.
    paid_tokens: int = 0
    # None until a call has a price.
    cost: float | None = None
    # The settings each step's calls were made with, as far as they are the same for every row.
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Of kept rows: how often each independent score was given, to the draft and the refinement.
    draft_scores: Counter[int] = field(default_factory=Counter)
    refinement_scores: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> "Funnel":
        funnel = cls()
        for row in rows:
            funnel.add(row)
        return funnel

    def add(self, row: Mapping[str, Any]) -> None:
        self.rows += 1
        self.drafted += row["draft"] is not None
        self.critiqued += row["critique"] is not None
        self.scored += row["draft_score"] is not None and row["refinement_score"] is not None
        if row["status"] == "kept":
            self.kept += 1
            self.draft_scores[row["draft_score"]] += 1
            self.refinement_scores[row["refinement_score"]] += 1
        else:
            self.dropped[row["reason"]] += 1
        for call in row["calls"]:
            # The teacher and given drafts are recorded like calls, and ask no model.
            self.calls += call["tokens_out"] is not None
            self.models.setdefault(call["step"], {key: call[key] for key in SETTINGS})
            tokens_in, tokens_out = call["tokens_in"] or 0, call["tokens_out"] or 0
            self.tokens_in += tokens_in
            self.tokens_out += tokens_out
            if call["endpoint"] == "openai":
                self.paid_tokens += tokens_in + tokens_out
            if call["cost"] is not None:
                self.cost = (self.cost or 0.0) + call["cost"]

    def as_facts(self) -> dict[str, Any]:
        """The totals as JSON-able facts for manifests, cards and `--json`."""
        return {
            "rows": self.rows,
            "drafted": self.drafted,
            "critiqued": self.critiqued,
            "scored": self.scored,
            "kept": self.kept,
            "dropped": dict(self.dropped.most_common()),
            "calls": self.calls,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "cost": self.cost,
            "mean_draft_score": mean(self.draft_scores),
            "mean_refinement_score": mean(self.refinement_scores),
            "draft_scores": by_score(self.draft_scores),
            "refinement_scores": by_score(self.refinement_scores),
        }


def mean(counts: Mapping[int, int]) -> float | None:
    """Mean of a distribution given as value → count; None where it is empty."""
    total = sum(counts.values())
    return sum(value * count for value, count in counts.items()) / total if total else None


def by_score(counts: Mapping[int, int]) -> dict[str, int]:
    """Counts for every score from 1 to 10, keyed as JSON keys."""
    return {str(score): counts.get(score, 0) for score in range(1, 11)}

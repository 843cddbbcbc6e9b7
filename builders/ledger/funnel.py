"""What became of candidates: counts by fate, scores, lengths, tokens and cost.

Runs, releases and the gate all count with `Funnel`: row by row while a run is built, by columns
where a release has a million rows.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from builders.ledger.control_scores import ControlScorer
from builders.ledger.run import Run
from builders.rows.ids import SAMPLE_PATTERN, is_first_sample
from builders.rows.schema import STEPS
from builders.rows.scorers import margin_of

SETTINGS = ("model", "endpoint", "template", "temperature", "top_p", "max_new_tokens")

_OF_KEPT = ["source", "license", "draft", "refinement", "draft_score", "refinement_score"]
_OF_CONTROLS = ["draft_score", "refinement_score", "control_scores"]
# Of a cost: the order in which floats are added makes the last digits different.
_DECIMALS = 9
# Calls of this endpoint are paid for.
_PAID = "openai"


@dataclass
class Funnel:
    """Running totals over ledger rows, by `add` for one or `add_table` for many, in any order.

    Lengths are in characters. The scores are the independent ones. `scored_*` are of all rows with
    both: the kept rows were chosen by these very scores, so their gain alone flatters.
    """

    rows: int = 0
    # Fewer than rows where an instruction was drafted several times.
    instructions: int = 0
    drafted: int = 0
    critiqued: int = 0
    scored_drafts: Counter[int] = field(default_factory=Counter)
    scored_refinements: Counter[int] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    # By name and license.
    sources: Counter[tuple[str, str]] = field(default_factory=Counter)
    # The scorers after the first, by model.
    controls: dict[str, ControlScorer] = field(default_factory=dict)

    # Of kept rows.
    kept: int = 0
    draft_scores: Counter[int] = field(default_factory=Counter)
    refinement_scores: Counter[int] = field(default_factory=Counter)
    gains: Counter[int] = field(default_factory=Counter)
    kept_sources: Counter[tuple[str, str]] = field(default_factory=Counter)
    draft_characters: int = 0
    refinement_characters: int = 0
    longer: int = 0
    unchanged: int = 0

    # Of calls.
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    # A call whose endpoint did not report its tokens counts with as many as it might have had.
    paid_tokens: int = 0
    # None until a call has a price.
    cost: float | None = None
    endpoints: set[str] = field(default_factory=set)
    # The recipe's system prompts by step, and how many calls each was sent with.
    systems: dict[str, Counter[str]] = field(default_factory=dict)
    # The settings of the first call of each step that was counted; they are the same for every row.
    models: dict[str, dict[str, Any]] = field(default_factory=dict)

    # Rows with criteria, and those among them whose criteria are not the recipes'.
    recipe_criteria: frozenset[str] = frozenset()
    criteria: int = 0
    own_criteria: int = 0

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], recipe_criteria: Iterable[str] = ()) -> "Funnel":
        funnel = cls(recipe_criteria=frozenset(recipe_criteria))
        for row in rows:
            funnel.add(row)
        return funnel

    def add(self, row: Mapping[str, Any]) -> None:
        self.rows += 1
        self.instructions += is_first_sample(row["id"])
        self.drafted += row["draft"] is not None
        self.critiqued += row["critique"] is not None
        self.sources[row["source"], row["license"]] += 1
        if row["criteria"] is not None:
            self.criteria += 1
            self.own_criteria += row["criteria"] not in self.recipe_criteria
        draft_score, refinement_score = row["draft_score"], row["refinement_score"]
        if draft_score is not None and refinement_score is not None:
            self.scored_drafts[draft_score] += 1
            self.scored_refinements[refinement_score] += 1
        for call in row["calls"]:
            self._add_call(call)
        # An unchanged answer has one score, on which nobody can disagree.
        if row["control_scores"] and row["refinement"] != row["draft"]:
            self._add_controls(row)
        if row["status"] != "kept":
            self.dropped[row["reason"]] += 1
            return
        self.kept += 1
        self.draft_scores[draft_score] += 1
        self.refinement_scores[refinement_score] += 1
        self.gains[refinement_score - draft_score] += 1
        self.kept_sources[row["source"], row["license"]] += 1
        self.draft_characters += len(row["draft"])
        self.refinement_characters += len(row["refinement"])
        self.longer += len(row["refinement"]) > len(row["draft"])
        self.unchanged += row["refinement"] == row["draft"]

    def _add_controls(self, row: Mapping[str, Any]) -> None:
        for control in row["control_scores"]:
            scorer = self.controls.setdefault(control["model"], ControlScorer())
            scorer.add(margin_of(row), margin_of(control))

    def _add_call(self, call: Mapping[str, Any]) -> None:
        # The teacher and given drafts are recorded like calls, and ask no model.
        self.calls += call["attempts"] is not None
        self.models.setdefault(call["step"], {key: call[key] for key in SETTINGS})
        self.endpoints.add(call["endpoint"])
        if call["system"] is not None:
            self.systems.setdefault(call["step"], Counter())[call["system"]] += 1
        tokens_in, tokens_out = call["tokens_in"] or 0, call["tokens_out"] or 0
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out
        if call["endpoint"] == _PAID:
            self.paid_tokens += tokens_in + tokens_out
            if call["tokens_out"] is None:
                self.paid_tokens += call["max_new_tokens"] or 0
        if call["cost"] is not None:
            self.cost = (self.cost or 0.0) + call["cost"]

    def add_table(self, rows: pa.Table) -> None:
        """Add ledger rows as `add` would, one column at a time."""
        self.rows += len(rows)
        later = pc.sum(pc.match_substring_regex(rows["id"], SAMPLE_PATTERN)).as_py() or 0
        self.instructions += len(rows) - later
        self.drafted += len(rows) - rows["draft"].null_count
        self.critiqued += len(rows) - rows["critique"].null_count
        self.sources.update(_sources(rows))
        criteria = rows["criteria"].drop_null()
        self.criteria += len(criteria)
        ours = pc.is_in(criteria, pa.array(self.recipe_criteria, pa.string()))
        self.own_criteria += len(criteria) - _sum(ours)
        drafts, refinements = rows["draft_score"], rows["refinement_score"]
        both = pc.and_(drafts.is_valid(), refinements.is_valid())
        self.scored_drafts.update(drafts.filter(both).to_pylist())
        self.scored_refinements.update(refinements.filter(both).to_pylist())
        self._add_calls(rows["calls"].combine_chunks().flatten())
        is_controlled = pc.and_(
            pc.greater(pc.list_value_length(rows["control_scores"]), 0),
            pc.not_equal(rows["draft"], rows["refinement"]),
        )
        for row in rows.select(_OF_CONTROLS).filter(is_controlled).to_pylist():
            self._add_controls(row)
        is_kept = pc.equal(rows["status"], "kept")
        self.dropped.update(rows["reason"].filter(pc.invert(is_kept)).to_pylist())
        self._add_kept(rows.select(_OF_KEPT).filter(is_kept))

    def _add_calls(self, calls: pa.StructArray) -> None:
        steps, endpoints = calls.field("step"), calls.field("endpoint")
        self.calls += len(calls) - calls.field("attempts").null_count
        self.endpoints.update(pc.unique(endpoints).to_pylist())
        for step in pc.unique(steps).to_pylist():
            if step not in self.models:
                first = calls[pc.index(steps, step).as_py()].as_py()
                self.models[step] = {key: first[key] for key in SETTINGS}
        for step, system, number in _count_systems(calls):
            self.systems.setdefault(step, Counter())[system] += number
        paid = pc.equal(endpoints, _PAID)
        tokens_in, tokens_out = calls.field("tokens_in"), calls.field("tokens_out")
        self.tokens_in += _sum(tokens_in)
        self.tokens_out += _sum(tokens_out)
        self.paid_tokens += _sum(tokens_in.filter(paid)) + _sum(tokens_out.filter(paid))
        unreported = pc.and_(paid, tokens_out.is_null())
        self.paid_tokens += _sum(calls.field("max_new_tokens").filter(unreported))
        costs = calls.field("cost").drop_null()
        if len(costs):
            self.cost = (self.cost or 0.0) + _sum(costs)

    def _add_kept(self, rows: pa.Table) -> None:
        self.kept += len(rows)
        self.kept_sources.update(_sources(rows))
        drafts, refinements = (
            rows[f"{part}_score"].to_pylist() for part in ("draft", "refinement")
        )
        self.draft_scores.update(drafts)
        self.refinement_scores.update(refinements)
        self.gains.update(last - first for first, last in zip(drafts, refinements, strict=True))
        lengths = [pc.utf8_length(rows[name]) for name in ("draft", "refinement")]
        self.draft_characters += _sum(lengths[0])
        self.refinement_characters += _sum(lengths[1])
        self.longer += _sum(pc.less(*lengths))
        self.unchanged += _sum(pc.equal(rows["draft"], rows["refinement"]))

    def add_counts(self, other: "Funnel") -> None:
        """Add what another one counted, of rows behind these."""
        for name in (one.name for one in fields(self)):
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, Counter | set):
                mine.update(theirs)
            elif isinstance(mine, int):
                setattr(self, name, mine + theirs)
        if other.cost is not None:
            self.cost = (self.cost or 0.0) + other.cost
        for step, settings in other.models.items():
            self.models.setdefault(step, settings)
        for step, systems in other.systems.items():
            self.systems.setdefault(step, Counter()).update(systems)
        for model, scorer in other.controls.items():
            self.controls.setdefault(model, ControlScorer()).add_counts(scorer)

    def as_facts(self) -> dict[str, Any]:
        """How far the candidates came, as JSON-able facts for manifests, cards and `--json`.

        `instructions` is there if some were drafted several times, `controls` if several scorers
        were asked, `systems` if recipes gave models system prompts, and `criteria`, by where they
        are from, if rows have any.
        """
        optional = {
            "instructions": self.instructions if self.instructions != self.rows else None,
            "controls": [
                {"model": model, **scorer.as_facts()}
                for model, scorer in sorted(self.controls.items())
            ],
            "systems": [
                {"step": step, "system": system, "calls": calls}
                for step in STEPS
                for system, calls in sorted(self.systems.get(step, {}).items())
            ],
            "criteria": {
                "recipe": self.criteria - self.own_criteria,
                "own": self.own_criteria,
            }
            if self.criteria
            else None,
        }
        return {
            "rows": self.rows,
            **{key: value for key, value in optional.items() if value},
            "drafted": self.drafted,
            "critiqued": self.critiqued,
            "scored": self.scored_drafts.total(),
            "kept": self.kept,
            "dropped": dict(self.dropped.most_common()),
            "calls": self.calls,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "cost": self.cost if self.cost is None else round(self.cost, _DECIMALS),
            "mean_draft_score": mean(self.draft_scores),
            "mean_refinement_score": mean(self.refinement_scores),
            "draft_scores": by_score(self.draft_scores),
            "refinement_scores": by_score(self.refinement_scores),
        }

    def statistics(self) -> dict[str, Any]:
        """What refining changed, as JSON-able facts; means and shares are None without a row."""
        drafts, refinements = self.draft_characters, self.refinement_characters

        def per_kept(total: int) -> float | None:
            return total / self.kept if self.kept else None

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
        """Rows drawn and kept by source and license, the largest source first."""
        ordered = sorted(self.sources.items(), key=lambda item: (-item[1], item[0]))
        return [
            {
                "name": name,
                "license": license,
                "rows": rows,
                "kept": self.kept_sources[name, license],
            }
            for (name, license), rows in ordered
        ]


def run_facts(run: Run) -> dict[str, Any]:
    """{run, complete, ...funnel} of a run folder, finished or not."""
    manifest = run.read_manifest()
    if manifest is None:
        funnel = Funnel.of(run.iter_rows()).as_facts()
    else:
        funnel = manifest.funnel.model_dump()
    return {"run": str(run.folder), "complete": manifest is not None, **funnel}


def mean(counts: Mapping[int, int]) -> float | None:
    """Mean of a distribution given as value → count; None if it is empty."""
    total = sum(counts.values())
    return sum(value * count for value, count in counts.items()) / total if total else None


def by_score(counts: Mapping[int, int]) -> dict[str, int]:
    """Counts for every score from 1 to 10, keyed as JSON keys."""
    return {str(score): counts.get(score, 0) for score in range(1, 11)}


def _count_systems(calls: pa.StructArray) -> Iterator[tuple[str, str, int]]:
    """(step, system prompt, calls), as far as calls have one."""
    systems = calls.field("system")
    if systems.null_count == len(calls):
        return
    table = pa.table({"step": calls.field("step"), "system": systems}).drop_null()
    counted = table.group_by(["step", "system"]).aggregate([([], "count_all")])
    for row in counted.to_pylist():
        yield row["step"], row["system"], row["count_all"]


def _sources(rows: pa.Table) -> Iterator[tuple[str, str]]:
    return zip(rows["source"].to_pylist(), rows["license"].to_pylist(), strict=True)


def _sum(values: pa.Array | pa.ChunkedArray) -> Any:
    """The sum of all that are not null; 0 of none."""
    return pc.sum(values).as_py() or 0

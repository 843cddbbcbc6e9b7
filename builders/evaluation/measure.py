"""From judgments to an evaluation: every figure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from builders.evaluation.result import (
    EVALUATION_SCHEMA,
    Benchmark,
    Difference,
    Evaluation,
    Instructions,
    PartFigures,
    People,
    Who,
)
from builders.evaluation.rows import PARTS
from builders.evaluation.statistics.length_control import (
    LEAST_JUDGMENTS,
    Anchors,
    length_controlled,
    length_controlled_difference,
)
from builders.evaluation.statistics.people import CorrectedRate, corrected_rate
from builders.evaluation.statistics.win_rate import (
    balanced_win_rate,
    consistency,
    difference,
    win_rate,
)
from builders.evaluation.verdicts import Verdicts
from builders.rows import Row


@dataclass(frozen=True)
class Facts:
    """What an evaluation says beside its figures."""

    model: Who
    reference: Who
    judge: Who
    instructions: Instructions
    made_at: datetime
    benchmark: Benchmark | None = None
    unreadable: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()
    cost: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class _Part:
    """The judgments of one part as arrays, in the order of `items`."""

    name: str
    items: Sequence[str]
    rows: Sequence[Row]

    def array(self, column: str) -> np.ndarray:
        values = [row[column] for row in self.rows]
        return np.array([np.nan if value is None else value for value in values], float)

    @property
    def longer(self) -> np.ndarray:
        return self.array("characters") - self.array("reference_characters")

    @property
    def clusters(self) -> np.ndarray:
        return np.arange(len(self.rows))


def measure(
    judgments: Sequence[Row],
    facts: Facts,
    *,
    difficulties: Mapping[str, float] | None = None,
    anchors: Anchors | None = None,
    verdicts: Verdicts | None = None,
) -> Evaluation:
    """Every figure of rows of `JUDGED_ROWS`; `difficulties` by item, if there are any."""
    by_part: dict[str, dict[str, Row]] = {}
    for row in judgments:
        by_part.setdefault(row["part"], {})[row["item"]] = row
    parts = {
        name: _Part(name, list(by_part[name]), list(by_part[name].values()))
        for name in PARTS
        if name in by_part
    }
    figures = {
        name: _figures(part, difficulties, anchors, verdicts) for name, part in parts.items()
    }
    both = None
    if {"draft", "refinement"} <= parts.keys():
        shared = [item for item in by_part["refinement"] if item in by_part["draft"]]
        both = _difference(
            *(
                _Part(name, shared, [by_part[name][item] for item in shared])
                for name in ("refinement", "draft")
            ),
            difficulties,
            anchors,
            verdicts,
        )
    people = None
    if verdicts is not None:
        people = People(
            name=verdicts.name,
            people=verdicts.people,
            verdicts=verdicts.count,
            judged_by=verdicts.judged_by,
        )
    return Evaluation(
        schema=EVALUATION_SCHEMA,
        made_at=facts.made_at,
        model=facts.model,
        reference=facts.reference,
        judge=facts.judge,
        instructions=facts.instructions,
        benchmark=facts.benchmark,
        people=people,
        parts=figures,
        difference=both,
        unreadable=dict(facts.unreadable),
        notes=[*facts.notes, *_notes(figures)],
        cost=dict(facts.cost or {}),
    )


def _figures(
    part: _Part,
    difficulties: Mapping[str, float] | None,
    anchors: Anchors | None,
    verdicts: Verdicts | None,
) -> PartFigures:
    y, longer, clusters = part.array("preference"), part.longer, part.clusters
    orders = [part.array("shown_first"), part.array("shown_second")]
    both_orders = all((~np.isnan(order)).any() for order in orders)
    return PartFigures(
        answers=len(y),
        judged=int((~np.isnan(y)).sum()),
        unreadable=int(np.isnan(y).sum()),
        empty=int((part.array("characters") == 0).sum()),
        characters=float(part.array("characters").mean()),
        reference_characters=float(part.array("reference_characters").mean()),
        raw=win_rate(y, clusters),
        balanced=balanced_win_rate(y, longer, clusters),
        length_controlled=length_controlled(
            y, longer, clusters, _difficulty(part, difficulties), anchors
        ),
        corrected=_corrected(part, verdicts) if verdicts else None,
        consistency=consistency(*orders, clusters) if both_orders else None,
    )


def _difficulty(part: _Part, difficulties: Mapping[str, float] | None) -> np.ndarray | None:
    return None if difficulties is None else np.array([difficulties[item] for item in part.items])


def _corrected(part: _Part, verdicts: Verdicts) -> CorrectedRate:
    y, strata, sizes = _people(part, verdicts)
    return corrected_rate(y, part.array("preference"), part.clusters, strata, sizes)


def _people(
    part: _Part, verdicts: Verdicts
) -> tuple[np.ndarray, np.ndarray | None, dict[int, int] | None]:
    """People's preferences, the strata, and the number of items in each.

    No strata where one of them has too few verdicts yet to say how far its items differ.
    """
    y = np.array([verdicts.shares.get((item, part.name), np.nan) for item in part.items], float)
    names = sorted(verdicts.sizes)
    numbers = {name: number for number, name in enumerate(names)}
    strata = np.array([numbers.get(verdicts.stratum.get(item), -1) for item in part.items])
    counts = Counter(strata[~np.isnan(y)].tolist())
    sizes = {number: verdicts.sizes[name] for name, number in numbers.items()}
    if not sizes or -1 in counts or any(counts[h] < min(2, size) for h, size in sizes.items()):
        return y, None, None
    return y, strata, sizes


def _difference(
    refinement: _Part,
    draft: _Part,
    difficulties: Mapping[str, float] | None,
    anchors: Anchors | None,
    verdicts: Verdicts | None,
) -> Difference:
    clusters = refinement.clusters
    ys = [part.array("preference") for part in (refinement, draft)]
    corrected = None
    if verdicts is not None:
        (after, strata, sizes), (before, _, _) = (
            _people(part, verdicts) for part in (refinement, draft)
        )
        corrected = corrected_rate(
            after - before, ys[0] - ys[1], clusters, strata, sizes, least=-1.0
        )
    return Difference(
        instructions=len(refinement.items),
        raw=difference(*ys, clusters),
        length_controlled=length_controlled_difference(
            (ys[0], refinement.longer),
            (ys[1], draft.longer),
            clusters,
            _difficulty(refinement, difficulties),
            anchors,
        ),
        corrected=corrected,
        characters=float((refinement.array("characters") - draft.array("characters")).mean()),
    )


def _notes(figures: Mapping[str, PartFigures]) -> Iterator[str]:
    """What limits the figures."""
    for name, one in figures.items():
        if one.unreadable:
            yield (
                f"{one.unreadable:,} of {one.answers:,} judgments of the {name} are missing or "
                "unreadable, and count for nothing."
            )
        if one.empty:
            yield f"{one.empty:,} of {one.answers:,} answers ({name}) are empty."
        found = one.length_controlled
        if found["variant"] is None:
            yield (
                f"{one.judged:,} judgments of the {name} are too few to control for length; "
                f"{LEAST_JUDGMENTS} are not."
            )
        elif found["variant"] == "no length":
            yield f"Every {name} differs from the reference by one length: no taste can be seen."
        elif found["variant"] == "minimal":
            yield (
                f"Without difficulties and anchors, the figure of the {name} at equal length is "
                "not AlpacaEval 2's: it has a wider interval, and another level."
            )
        if one.consistency is not None:
            same = one.consistency["same"]["value"]
            if same is not None and same < 0.5:
                yield (
                    f"The judge names the same winner in both orders for {same:.1%} of the "
                    f"{name} pairs: what it says depends on the order more than on the answers."
                )

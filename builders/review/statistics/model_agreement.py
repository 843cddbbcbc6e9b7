"""How far a model's scores agree with people, as in Table 5 of arXiv 2406.07168, and baselines.

The model is right about a pair if it scores the answer that the person chose higher. A person's tie
has no right side, so it is left out and counted. How a tie of the model counts is a parameter:
`half` (the default), `wrong`, or `left_out`.

Each record counts once: its credit is the share of the people who chose with whom the model agrees.
All figures with an interval estimate what the same review of all rows that the sample was drawn
from would have found (`estimates`), by the records' weights (`design`).
"""

from collections.abc import Callable, Sequence
from typing import TypedDict

import numpy as np

from builders.review.reviewable import ReviewableRow
from builders.review.statistics.calibration import (
    Calibration,
    by_margin,
    correlations,
    score_calibration,
)
from builders.review.statistics.intervals import Figure
from builders.review.statistics.pairs import (
    TIE_RULES,
    Pairs,
    Pairwise,
    pairwise,
)
from builders.review.statistics.reviewed import ReviewedRecord, sample_of

# Bands of `ReviewableRow.growth`: the name, and the upper bound.
BANDS: tuple[tuple[str, float], ...] = (
    ("shorter by over 10%", -0.1),
    ("within 10%", 0.1),
    ("longer by 10% to 50%", 0.5),
    ("longer by 50% to 100%", 1.0),
    ("more than twice as long", float("inf")),
)


class ModelAgreement(TypedDict):
    """All figures of the model against people.

    `human_ties` counts verdicts; `model_ties` and `unscored` count records. `correlation` has
    Spearman's rho and Kendall's tau-b.
    """

    tie_rule: str
    records: int
    verdicts: int
    human_ties: int
    model_ties: int
    unscored: int
    pairwise: Pairwise
    by_tie_rule: dict[str, float | None]
    by_source: dict[str, Pairwise]
    by_length: dict[str, Pairwise]
    correlation: dict[str, Figure]
    calibration: Calibration


def model_against_people(records: Sequence[ReviewedRecord], ties: str = "half") -> ModelAgreement:
    """All figures of the model against people; `ties` is one of TIE_RULES."""
    sample = sample_of(records)
    return {
        "tie_rule": ties,
        "records": len(records),
        "verdicts": sum(len(record.verdicts) for record in records),
        "human_ties": sum(row["better"] == "tie" for record in records for row in record.verdicts),
        "model_ties": sum(record.row.margin == 0 for record in records if record.chosen),
        "unscored": sum(record.row.margin is None for record in records),
        "pairwise": pairwise(records, ties),
        "by_tie_rule": {rule: Pairs.of(records, rule).weighted()["value"] for rule in TIE_RULES},
        "by_source": by_group(records, ties, lambda row: row.source),
        "by_length": by_group(records, ties, band, [name for name, _ in BANDS]),
        "correlation": correlations(records, sample),
        "calibration": {
            "scores": score_calibration(records, sample),
            "margins": by_margin(records, sample),
        },
    }


def band(row: ReviewableRow) -> str:
    """The name of the row's band of growth in length."""
    return next(name for name, bound in BANDS if row.growth <= bound)


def by_group(
    records: Sequence[ReviewedRecord],
    ties: str,
    key: Callable[[ReviewableRow], str],
    names: Sequence[str] = (),
) -> dict[str, Pairwise]:
    """`pairwise` of each group of records, in the order of `names`, or sorted by the group's name.

    A group with fewer than FEW pairs has counts only.
    """
    found = [key(record.row) for record in records]
    pairs = Pairs.of(records, ties)
    groups = np.array(found)
    return {name: pairs.of_group(groups == name) for name in names or sorted(set(found))}

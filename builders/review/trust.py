"""How far a model's scores agree with people: Table 5 of arXiv 2406.07168, and what qualifies it.

The model is right about a pair where it scores the answer that the person chose the higher. A
person's tie leaves nothing to be right about, so it is left out and counted. What a tie of the
model's is worth is a parameter: `half` (the default), `wrong`, or `left_out`.

Each record counts once: its credit is the mean over the people who chose. Of one person for each
record this is the plain share. `wilson` is the interval for that many independent records,
`low` and `high` are a bootstrap's over records, and `weighted` (Hájek) weighs each record by the
inverse of its inclusion probability: the estimate for all rows the sample was drawn from. Its
interval takes no account of the strata or of how much of those rows was drawn, which makes it
rather too wide than too narrow.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from builders.review.candidates import Candidate
from builders.review.counted import Verdict, about_the_model
from builders.review.intervals import bootstrapped, weighted_mean, wilson
from builders.schema import InvalidRow

TIE_RULES = ("half", "wrong", "left_out")
# Bands of `Candidate.growth`: the name, and the least growth that is beyond it.
BANDS: tuple[tuple[str, float], ...] = (
    ("shorter by over 10%", -0.1),
    ("within 10%", 0.1),
    ("longer by 10% to 50%", 0.5),
    ("longer by 50% to 100%", 1.0),
    ("more than twice as long", float("inf")),
)
_PARTS = ("draft", "refinement")


@dataclass(frozen=True)
class Asked:
    """A record that people answered, beside the model's scores of it."""

    row: Candidate
    inclusion_probability: float
    verdicts: tuple[Verdict, ...]

    @property
    def chosen(self) -> list[str]:
        """The answers that people chose, without their ties."""
        return [row["better"] for row in self.verdicts if row["better"] in _PARTS]

    def human_score(self, part: str) -> float | None:
        """The mean of the scores that people gave to the draft or the refinement."""
        given = [row[f"{part}_score"] for row in self.verdicts if row[f"{part}_score"] is not None]
        return sum(given) / len(given) if given else None

    def model_score(self, part: str) -> int | None:
        return self.row.draft_score if part == "draft" else self.row.refinement_score


def asked(verdicts: Iterable[Verdict], rows: Mapping[str, Candidate]) -> list[Asked]:
    """The records that count for the model against people, in the order of their keys.

    `rows` are by ledger id. A verdict on a row that is not there raises `InvalidRow`.
    """
    by_record: dict[str, list[Verdict]] = {}
    for row in about_the_model(verdicts):
        by_record.setdefault(row["record"], []).append(row)
    found = []
    for record, group in sorted(by_record.items()):
        if group[0]["id"] not in rows:
            raise InvalidRow(f"record {record} is of row {group[0]['id']}, which the ledger lacks")
        group.sort(key=lambda row: row["annotator"])
        chance = group[0]["inclusion_probability"]
        found.append(Asked(rows[group[0]["id"]], chance, tuple(group)))
    return found


def model_against_people(records: Sequence[Asked], ties: str = "half") -> dict[str, Any]:
    """Every figure of the model against people, JSON-able; `ties` is one of TIE_RULES."""
    return {
        "tie_rule": ties,
        "records": len(records),
        "verdicts": sum(len(one.verdicts) for one in records),
        "human_ties": sum(row["better"] == "tie" for one in records for row in one.verdicts),
        "model_ties": sum(one.row.margin == 0 for one in records if one.chosen),
        "unscored": sum(one.row.margin is None for one in records),
        "pairwise": pairwise(records, ties),
        "by_tie_rule": {rule: _credit_mean(_pairs(records, rule), rule) for rule in TIE_RULES},
        "by_source": grouped(records, ties, lambda row: row.source),
        "by_length": {
            **dict.fromkeys((name for name, _ in BANDS), pairwise([], ties)),
            **grouped(records, ties, band),
        },
        "correlation": correlations(records),
        "calibration": {"scores": score_calibration(records), "margins": by_margin(records)},
    }


def band(row: Candidate) -> str:
    """The name of the row's band of growth in length."""
    return next(name for name, bound in BANDS if row.growth <= bound)


def grouped(
    records: Sequence[Asked], ties: str, key: Callable[[Candidate], str]
) -> dict[str, dict[str, Any]]:
    """`pairwise` of each group of records, in the order of the groups' names."""
    groups: dict[str, list[Asked]] = {}
    for one in records:
        groups.setdefault(key(one.row), []).append(one)
    return {name: pairwise(group, ties) for name, group in sorted(groups.items())}


def pairwise(records: Sequence[Asked], ties: str = "half") -> dict[str, Any]:
    """The model's agreement with people, beside what "the longer is better" has on the same pairs.

    {value, low, high, of, wilson, weighted, longer, more_than_longer}. Of two answers of one
    length neither is longer: that is worth what a tie of the model's is, and a half under
    `left_out`, which would leave other pairs. `more_than_longer` is the model's agreement less
    the baseline's, pair by pair.
    """
    pairs = _pairs(records, ties)
    once, weights = np.ones(len(pairs)), _weights(pairs)
    model = np.array([_credit(one, one.row.margin or 0, ties) for one in pairs])
    longer = np.array([_credit(one, _longer(one), ties) for one in pairs])
    return {
        **_shared(model, once),
        "weighted": bootstrapped(weighted_mean(model), weights),
        "longer": {**_shared(longer, once), "weighted": _value(longer, weights)},
        "more_than_longer": bootstrapped(weighted_mean(model - longer), once),
    }


def _shared(worth: np.ndarray, once: np.ndarray) -> dict[str, Any]:
    figure = bootstrapped(weighted_mean(worth), once)
    return {**figure, "wilson": wilson(float(worth.sum()), len(worth))}


def _pairs(records: Sequence[Asked], ties: str) -> list[Asked]:
    """The records that count: somebody chose, and the model scored both answers."""
    if ties not in TIE_RULES:
        raise ValueError(f"ties is {ties!r}, not one of {TIE_RULES}")
    return [
        one
        for one in records
        if one.chosen
        and one.row.margin is not None
        and not (ties == "left_out" and one.row.margin == 0)
    ]


def _credit(one: Asked, margin: int, ties: str) -> float:
    """The share of the people who chose with whom the sign of `margin` agrees."""
    if not margin:
        return 0.0 if ties == "wrong" else 0.5
    choice = "refinement" if margin > 0 else "draft"
    return one.chosen.count(choice) / len(one.chosen)


def _credit_mean(pairs: Sequence[Asked], ties: str) -> float | None:
    worth = [_credit(one, one.row.margin or 0, ties) for one in pairs]
    return sum(worth) / len(worth) if worth else None


def _longer(one: Asked) -> int:
    return one.row.refinement_characters - one.row.draft_characters


def _weights(records: Sequence[Asked]) -> np.ndarray:
    return np.array([1 / one.inclusion_probability for one in records])


def _value(values: np.ndarray, weights: np.ndarray) -> float | None:
    return weighted_mean(values)(weights) if len(values) else None


def correlations(records: Sequence[Asked]) -> dict[str, Any]:
    """Spearman's and Kendall's (tau-b) correlation of scores, over drafts and refinements alike.

    Of each answer that has both: the model's score and the mean of the people's. `of` is how many
    records have such an answer. scipy has both statistics of samples, at a sort for each; of the
    table of counts, which a resample only weighs anew, they cost next to nothing.
    """
    scored = [one for one in records if _scored(one)]
    owners, model, human = [], [], []
    for number, one in enumerate(scored):
        for given, meant in _scored(one):
            owners.append(number)
            model.append(given)
            human.append(meant)
    owner = np.array(owners, int)
    _, of_model = np.unique(np.array(model), return_inverse=True)
    _, of_human = np.unique(np.array(human), return_inverse=True)
    shape = (max(of_model, default=0) + 1, max(of_human, default=0) + 1)
    cells = of_model * shape[1] + of_human

    def table(weights: np.ndarray) -> np.ndarray:
        counted = np.bincount(cells, weights[owner], minlength=shape[0] * shape[1])
        return counted.reshape(shape)

    once = np.ones(len(scored))
    return {
        "spearman": bootstrapped(lambda weights: spearman(table(weights)), once),
        "kendall": bootstrapped(lambda weights: kendall(table(weights)), once),
    }


def _scored(one: Asked) -> list[tuple[int, float]]:
    """The answers of a record that the model and somebody scored: (model's, people's mean)."""
    pairs = ((one.model_score(part), one.human_score(part)) for part in _PARTS)
    return [(model, human) for model, human in pairs if model is not None and human is not None]


def spearman(table: np.ndarray) -> float:
    """Spearman's rho of a table of counts: Pearson's correlation of the mean ranks."""
    total = table.sum()
    ranks = [np.cumsum(sums) - sums / 2 for sums in (table.sum(axis=1), table.sum(axis=0))]
    rows, columns = (one - total / 2 for one in ranks)
    spread = np.sqrt((table.sum(axis=1) @ rows**2) * (table.sum(axis=0) @ columns**2))
    return float(rows @ table @ columns / spread) if spread else float("nan")


def kendall(table: np.ndarray) -> float:
    """Kendall's tau-b of a table of counts."""
    above = np.cumsum(np.cumsum(table[::-1, ::-1], axis=0), axis=1)[::-1, ::-1]
    left = np.cumsum(np.cumsum(table[::-1], axis=0)[::-1], axis=1)
    agreeing = (table[:-1, :-1] * above[1:, 1:]).sum()
    opposed = (table[:-1, 1:] * left[1:, :-1]).sum()
    total = table.sum() ** 2
    spread = np.sqrt(
        (total - (table.sum(axis=1) ** 2).sum()) * (total - (table.sum(axis=0) ** 2).sum())
    )
    return float(2 * (agreeing - opposed) / spread) if spread else float("nan")


def score_calibration(records: Sequence[Asked]) -> list[dict[str, Any]]:
    """For each score of the model's: the mean of the people's, and who is within one of it.

    [{score, answers, human, within_one}]; `human` is the mean over answers of the people's mean
    score, `within_one` the share of their scores that are at most one away, each answer counting
    once. Their intervals resample records; `of` is records.
    """
    return [_calibrated(records, score) for score in range(1, 11)]


def _calibrated(records: Sequence[Asked], score: int) -> dict[str, Any]:
    counts, means, near = [], [], []
    for one in records:
        parts = [
            [row[f"{part}_score"] for row in one.verdicts if row[f"{part}_score"] is not None]
            for part in _PARTS
            if one.model_score(part) == score
        ]
        given = [scores for scores in parts if scores]
        if given:
            counts.append(len(given))
            means.append(sum(sum(scores) / len(scores) for scores in given))
            near.append(sum(_near(scores, score) for scores in given))
    answers = np.array(counts, float)

    def figure(sums: Sequence[float]) -> dict[str, Any]:
        totals = np.array(sums, float)
        return bootstrapped(
            lambda weights: float(weights @ totals / (weights @ answers)), np.ones(len(counts))
        )

    return {
        "score": score,
        "answers": sum(counts),
        "human": figure(means),
        "within_one": figure(near),
    }


def _near(scores: Sequence[int], score: int) -> float:
    return sum(abs(given - score) <= 1 for given in scores) / len(scores)


def by_margin(records: Sequence[Asked]) -> list[dict[str, Any]]:
    """For each margin of the model's, the share of people who prefer the refinement.

    [{margin, preferred}]; a person's tie counts half, and each record once.
    """
    found: dict[int, list[float]] = {}
    for one in records:
        answers = [row["better"] for row in one.verdicts if row["better"] is not None]
        if answers and one.row.margin is not None:
            liked = answers.count("refinement") + answers.count("tie") / 2
            found.setdefault(one.row.margin, []).append(liked / len(answers))
    return [
        {"margin": margin, "preferred": _shared(np.array(shares), np.ones(len(shares)))}
        for margin, shares in sorted(found.items())
    ]

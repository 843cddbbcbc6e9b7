"""Estimates for all rows that a sample was drawn from, with intervals from its design.

Each function takes a `Sample` and arrays with one value per record of it. Records that a figure is
not about have a 0 in both sums of its ratio: they are part of the design all the same.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from builders.review.statistics.design import Sample, Spread
from builders.review.statistics.intervals import (
    Figure,
    difference_ends,
    figure,
    share_ends,
    t_quantile,
    without_interval,
    without_value,
)
from builders.review.statistics.tables import Counts, TableStatistic

# A group with fewer records gets counts, and no share.
FEW = 20
# With fewer records, no interval of alpha holds what it promises; nor with fewer ratings that
# differ from the most common one, of which more are needed where they are a small share.
FEW_FOR_ALPHA, FEW_DIFFERENT, FEW_OF_RARE, RARE = 30, 20, 60, 0.1
_NOTHING = "no record has an answer"
# The variance of a rare answer is that of the few records that have it, and is too small in most
# samples where some of these stand for many rows and others for few. There, the effective records
# are moved so far (in logarithms) to as many as the weights tell; chosen by simulation: without,
# intervals of an answer of 7% held the truth in 92% of informative samples. Of fewer records that
# have it, Wilson's interval is wide enough.
_UNEQUAL, _MOVED, _SOME = 0.9, 1 / 3, 4
# The share of a ratio's denominator that is at least taken to remain without a record.
_LEAST_REST = 0.2


class Ratio:
    """Σ w·top / Σ w·bottom over the records: its value, linearization and design."""

    def __init__(self, sample: Sample, top: np.ndarray, bottom: np.ndarray) -> None:
        self.domain = np.asarray(bottom) > 0
        self.of = int(self.domain.sum())
        self._sample, self._top, self._bottom = sample, top, bottom
        self.total = float(sample.weights @ bottom)
        self.value = float(sample.weights @ top / self.total) if self.of else float("nan")

    @property
    def linearized(self) -> np.ndarray:
        """What the ratio loses without each record: in a small group, one may count for much."""
        weights = self._sample.weights
        rest = np.maximum(self.total - weights * self._bottom, _LEAST_REST * self.total)
        residuals = weights * (self._top - self.value * self._bottom)
        return residuals / rest * (1 - weights / weights.sum())

    @cached_property
    def spread(self) -> Spread:
        return self._sample.spread(self.linearized, self.domain)

    @property
    def independent(self) -> float:
        """How many independent records are as good, as the weights tell."""
        return self._sample.independent(self.domain)

    @property
    def rarer(self) -> int:
        """How many records have the rarer answer, in part or whole."""
        return int(min((self._top > 0).sum(), (self._top < self._bottom).sum()))

    @property
    def has_unequal_weights(self) -> bool:
        return self._sample.effective(self.domain) < _UNEQUAL * self.of

    def effective(self, spread: float) -> float:
        """How many independent records with this variance have the variance of the ratio.

        Where all records say the same, as many as the weights tell.
        """
        variance = self.spread.variance
        if spread < 1e-12 or variance < 1e-12 * spread:
            return self.independent
        return spread / variance


def share_of(sample: Sample, top: np.ndarray, bottom: np.ndarray) -> Figure:
    """A share: each record adds `bottom` answers, of which `top` are counted."""
    ratio = Ratio(sample, top, bottom)
    if not ratio.of:
        return without_value(0, _NOTHING)
    return figure(ratio.value, _share_ends(ratio, ratio.spread.degrees), ratio.of)


def _share_ends(ratio: Ratio, degrees: float) -> tuple[float, float]:
    value = min(1.0, max(0.0, ratio.value))
    effective = ratio.effective(value * (1 - value))
    is_rare = min(value, 1 - value) < RARE and ratio.rarer >= _SOME
    if is_rare and ratio.has_unequal_weights:
        by_weights = min(effective, ratio.independent)
        effective = effective ** (1 - _MOVED) * by_weights**_MOVED
    return share_ends(value, effective, degrees)


def difference_of(sample: Sample, differences: np.ndarray, counted: np.ndarray) -> Figure:
    """The mean of paired differences from -1 to 1 over the records that are `counted`."""
    once = counted.astype(float)
    ratio = Ratio(sample, differences * once, once)
    if not ratio.of:
        return without_value(0, _NOTHING)
    squares = float(sample.weights @ (once * differences**2))
    differing = float(sample.weights @ (once * (differences != 0)))
    square = squares / ratio.total
    ends = difference_ends(
        ratio.value,
        square,
        squares / differing if differing else 1.0,
        ratio.effective(square - ratio.value**2),
        ratio.spread.degrees,
    )
    return figure(ratio.value, ends, ratio.of)


def balanced_of(
    sample: Sample, right: Sequence[np.ndarray], chosen: Sequence[np.ndarray]
) -> Figure:
    """The mean of two shares, `right` of `chosen` each, that partly come from the same records.

    The interval is put together from those of both shares (Zou and Donner, "Construction of
    confidence limits about effect measures", 2008), with their correlation by the design. Both take
    Student's t of their sum, whose degrees of freedom are more than those of either.
    """
    shares = [Ratio(sample, *sums) for sums in zip(right, chosen, strict=True)]
    of = int((shares[0].domain | shares[1].domain).sum())
    for ratio, answer in zip(shares, ("refinement", "draft"), strict=True):
        if not ratio.of:
            return without_value(of, f"in no record did anyone choose the {answer}")
    value = (shares[0].value + shares[1].value) / 2
    both = shares[0].domain | shares[1].domain
    together, degrees = sample.spread(shares[0].linearized + shares[1].linearized, both)
    ends = [_share_ends(ratio, degrees) for ratio in shares]
    variances = [ratio.spread.variance for ratio in shares]
    scale = 2 * np.sqrt(variances[0] * variances[1])
    correlation = (together - sum(variances)) / scale if scale > 0 else 0.0
    halves = []
    for end in (0, 1):
        one, other = (
            abs(each[end] - ratio.value) for each, ratio in zip(ends, shares, strict=True)
        )
        halves.append(np.sqrt(max(0.0, one**2 + other**2 + 2 * correlation * one * other)) / 2)
    return figure(value, (max(0.0, value - halves[0]), min(1.0, value + halves[1])), of)


def mean_of(
    sample: Sample, top: np.ndarray, bottom: np.ndarray, bounds: tuple[float, float]
) -> Figure:
    """A mean of scores between `bounds`: each record adds `bottom` scores, and `top` in all.

    A variance of 0 is taken for one in which a single score was off by one.
    """
    ratio = Ratio(sample, top, bottom)
    if not ratio.of:
        return without_value(0, _NOTHING)
    least = 1 / sample.independent(ratio.domain)
    half = t_quantile(ratio.spread.degrees) * np.sqrt(max(ratio.spread.variance, least**2))
    ends = max(bounds[0], ratio.value - half), min(bounds[1], ratio.value + half)
    return figure(ratio.value, ends, ratio.of)


def correlation_of(sample: Sample, counts: Counts, statistic: TableStatistic) -> Figure:
    """A correlation with the interval of Fisher's z; none below FEW records."""
    found = TableFigure(sample, counts, statistic)
    value, of = found.value, found.of
    if not np.isfinite(value):
        return without_value(of, "all scores of one side are the same, or there are none")
    if of < FEW:
        return without_interval(value, of, f"fewer than {FEW} records")
    if abs(value) > 1 - 1e-9:
        return without_interval(value, of, "all scores are in the same order")
    return figure(value, found.ends(), of)


def alpha_of(sample: Sample, counts: Counts, statistic: TableStatistic) -> Figure:
    """Krippendorff's alpha; no interval below FEW_FOR_ALPHA records.

    The interval is that of Fisher's z; if no two ratings of a record differ, it is Wilson's of the
    disagreement. There is none either if few ratings differ from the most common one: whether
    people agree on those is all that alpha is about.
    """
    found = TableFigure(sample, counts, statistic)
    value, of = found.value, found.of
    if not np.isfinite(value):
        return without_value(of, "all ratings are the same, or no record has two")
    if of < FEW_FOR_ALPHA:
        return without_interval(value, of, f"fewer than {FEW_FOR_ALPHA} records")
    ratings = counts.table(np.ones(counts.records)).sum(axis=0)
    total, different = ratings.sum(), ratings.sum() - ratings.max()
    if different < (FEW_OF_RARE if different < RARE * total else FEW_DIFFERENT):
        why = f"only {different:,.0f} of {total:,.0f} ratings differ from the most common one"
        return without_interval(value, of, why)
    if value > 1 - 1e-9:
        shares = counts.table(sample.weights).sum(axis=0)
        shares /= shares.sum()
        ends = share_ends(0.0, sample.independent(found.domain), found.degrees)
        return figure(1.0, (1 - ends[1] / (1 - shares @ shares), 1.0), of)
    return figure(value, found.ends(), of)


class TableFigure:
    """A statistic of the weighted table, and half the width of a symmetric interval.

    The weights' mean is 1: alpha depends on the number of ratings.
    """

    def __init__(self, sample: Sample, counts: Counts, statistic: TableStatistic) -> None:
        self.of = counts.of
        self.domain = np.bincount(counts.owners, minlength=counts.records) > 0
        self.value = self.half = float("nan")
        self.degrees = 1.0
        if self.of:
            weights = sample.weights / sample.weights[self.domain].mean()
            self.value = float(statistic(counts.table(weights)))
        if np.isfinite(self.value):
            variance, self.degrees = sample.spread(
                counts.linearized(statistic, weights), self.domain
            )
            self.half = t_quantile(self.degrees) * float(np.sqrt(variance))

    def ends(self) -> tuple[float, float]:
        """The interval of Fisher's z, for a value between -1 and 1."""
        middle, half = np.arctanh(self.value), self.half / (1 - self.value**2)
        return np.tanh(middle - half), np.tanh(middle + half)


def unless_few(result: Figure) -> Figure:
    """The figure of a group, or only its count if the group has fewer than FEW records."""
    if result["of"] < FEW:
        return without_value(result["of"], f"fewer than {FEW} records")
    return result

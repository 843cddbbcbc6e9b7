"""How a sample is divided among rows: a stratum for each row, and a claim for each stratum.

- `uniform`: one stratum.
- `stratified`: by source and by which answer scored higher; in proportion to rows, and from each
  stratum a few.
- `informative`: by the signs of a doubtful verdict (`signs`); a row with k signs is 1 + 2k times
  as likely to be drawn as a row without any.

`stratified` is the default because its figures for all rows have the narrowest intervals: whether
people agree with the model depends on which answer it scored higher, and the sample has each kind
of row in its true proportion. The few that each stratum gets beyond that take at most a tenth of
the sample. For example, of 1,000 rows, 9 are from a rare source, which may claim as much as 40 do:

>>> with_a_few_of_each({"common": 991, "rare": 9}, 100)
{'common': 991.0, 'rare': 40.0}
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from builders.review.reviewable import ReviewableRow

# A row shows a sign from these values on: the difference between the draft's independent score and
# the one given with the critique, the margin (at most), and the growth (more than).
_DISAGREEMENT, _CLOSE, _LONGER = 2, 1, 0.5
# `stratified` tries for this many rows of each stratum, with at most this share of the sample.
_FEW, _SHARE_OF_FEW = 4, 0.1


@dataclass(frozen=True)
class Strategy:
    """Which stratum a row is in, and what share of the sample each stratum claims."""

    stratum: Callable[[ReviewableRow], str]
    # Each stratum's claim to the sample, from the rows of each and the sample's size.
    claims: Callable[[Mapping[str, int], int], dict[str, float]]


def signs(row: ReviewableRow) -> tuple[str, ...]:
    """Why a person should look at a row: any of `disagreement`, `close` and `longer`.

    The critique's score is 2 or more from the draft's independent score; the two answers' scores
    are at most 1 apart; the refinement is more than 50% longer. A missing score shows no sign.
    """
    scored = row.draft_score is not None and row.critique_score is not None
    shown = {
        "disagreement": scored and abs(row.draft_score - row.critique_score) >= _DISAGREEMENT,
        "close": row.margin is not None and abs(row.margin) <= _CLOSE,
        "longer": row.growth > _LONGER,
    }
    return tuple(sign for sign, is_shown in shown.items() if is_shown)


def higher_answer(margin: int | None) -> str:
    """Which answer the model scored higher."""
    if margin is None:
        return "unscored"
    if not margin:
        return "scores equal"
    return "refinement scored higher" if margin > 0 else "draft scored higher"


def with_a_few_of_each(counts: Mapping[str, int], size: int) -> dict[str, float]:
    """Claims in proportion to rows, of which each stratum has enough for a few of the sample."""
    few = min(_FEW, _SHARE_OF_FEW * size / max(1, len(counts)))
    least = few * sum(counts.values()) / size
    return {name: max(float(rows), least) for name, rows in counts.items()}


def _by_signs(counts: Mapping[str, int], _size: int) -> dict[str, float]:
    return {
        name: float(rows * (1 + 2 * len(name.split()) * (name != _NO_SIGNS)))
        for name, rows in counts.items()
    }


_NO_SIGNS = "none"
STRATEGY: Mapping[str, Strategy] = {
    "uniform": Strategy(lambda _row: "all", with_a_few_of_each),
    "stratified": Strategy(
        lambda row: f"{row.source}, {higher_answer(row.margin)}", with_a_few_of_each
    ),
    "informative": Strategy(lambda row: " ".join(signs(row)) or _NO_SIGNS, _by_signs),
}
STRATEGIES = tuple(STRATEGY)

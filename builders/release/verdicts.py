"""What people's verdicts on a row come to: a summary of them, and whether the row is wrong."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from builders.review.counted import Verdict, unassisted

Row = dict[str, Any]

# Of a verdict, what a person has written.
WRITTEN = ("corrected_critique", "corrected_refinement")
# The row was dropped on people's word.
BY_PEOPLE = ("rejected_by_people", "corrected_by_people")

_FAULTS: tuple[tuple[str, Callable[[Verdict], bool]], ...] = (
    ("the draft is better", lambda row: row["better"] == "draft"),
    ("no weakness is real", lambda row: row["weaknesses_real"] == "none"),
    ("the refinement introduces an error", lambda row: bool(row["refinement_introduces_error"])),
)


@dataclass(frozen=True)
class ReviewSettings:
    """The recipe's `review:` block: what becomes of rows that people found wrong.

    `drop` drops them, `correct` puts a correction into the place of those that have one and drops
    the others, `keep` keeps them.
    """

    wrong: Literal["drop", "correct", "keep"] = "drop"

    @classmethod
    def of(cls, values: Mapping[str, Any] | None) -> "ReviewSettings":
        """Of what a run's manifest recorded; what it lacks has its default."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in (values or {}).items() if key in known})


@dataclass(frozen=True)
class Told:
    """What a release has of its reviews: `summaries` and `verdicts` are by ledger id.

    `left_out` counts verdicts on rows that another one stands for.
    """

    summaries: Mapping[str, Row] = field(default_factory=dict)
    verdicts: Mapping[str, list[Verdict]] = field(default_factory=dict)
    left_out: int = 0


def human_verdict(verdicts: Iterable[Verdict]) -> dict[str, Any] | None:
    """The summary that `feedback` has of a row's verdicts; None where none of them counts."""
    counted = unassisted(verdicts)
    if not counted:
        return None
    answers = Counter(row["better"] for row in counted if row["better"] is not None)
    better, times = max(answers.items(), key=lambda item: item[1], default=(None, 0))
    return {
        "verdicts": len(counted),
        "better": better if 2 * times > answers.total() else None,
        **{key: _mean(row[key] for row in counted) for key in ("draft_score", "refinement_score")},
    }


def _mean(scores: Iterable[int | None]) -> float | None:
    given = [score for score in scores if score is not None]
    return sum(given) / len(given) if given else None


def found_wrong(verdicts: Iterable[Verdict]) -> str | None:
    """What more than half of the verdicts that count say against a row, or None."""
    counted = unassisted(verdicts)
    said = []
    for fault, says in _FAULTS:
        times = sum(map(says, counted))
        if 2 * times > len(counted):
            said.append(f"{times} of {len(counted)} say that {fault}")
    return "; ".join(said) or None


def can_be_asked(row: Mapping[str, Any]) -> bool:
    """Whether there is something to compare (`builders.review.candidates`)."""
    texts = (row["draft"], row["refinement"], row["critique"])
    return None not in texts and row["draft"] != row["refinement"]


def standing(rows: Sequence[Row]) -> Row | None:
    """Which of the ledger rows of one id the verdicts of that id are of; None where two may be.

    The one that was dropped on people's word, or else the kept one, or else another; a duplicate
    of what an earlier run has kept comes last.
    """
    ranked = sorted(rows, key=_rank)
    if len(ranked) > 1 and _rank(ranked[0]) == _rank(ranked[1]):
        return None
    return ranked[0] if ranked else None


def _rank(row: Mapping[str, Any]) -> int:
    if row["reason"] in BY_PEOPLE:
        return 0
    if row["status"] == "kept":
        return 1
    return 3 if row["reason"] == "duplicate" else 2

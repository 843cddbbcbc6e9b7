"""What a folder has to look at: whose rows, what people said about them, and what it is called."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from builders.errors import BadInput
from builders.review.folder import open_review
from builders.review.verdicts import one_vote_each
from builders.rows import Row

Kind = Literal["run", "release", "review", "audit", "evaluation"]
NO_MAJORITY = "no majority"
_ANSWERS = {"draft": "draft", "refinement": "refinement"}


@dataclass(frozen=True)
class Source:
    """Rows in the ledger's shape and what belongs to them.

    `parts` lists the parquet files as they are now, and `is_complete` says whether more can come.
    `facts` are lines for the head of the page. `labels` says what the columns `draft` and
    `refinement` hold. `verdicts` are people's, by the row's id, and `said` what most people found
    better where there are no verdicts; `notes` are further lines about a row, by id. `outcomes`
    replaces status and reason by id, and `only` names the ids that are shown, where these are not
    all.
    """

    kind: Kind
    title: str
    folder: Path
    parts: Callable[[], list[Path]]
    is_complete: Callable[[], bool] = lambda: True
    facts: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: _ANSWERS)
    verdicts: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)
    outcomes: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    only: Sequence[str] | None = None

    @property
    def better(self) -> dict[str, str]:
        """What most people found better, by id."""
        found = {row_id: majority(verdicts) for row_id, verdicts in self.verdicts.items()}
        known = {row_id: better for row_id, better in found.items() if better is not None}
        return {**self.said, **known}


def verdicts_of_review(folder: Path) -> dict[str, list[Row]]:
    """What people said in the review of a run as it is now; nothing if it has none."""
    try:
        review = open_review(folder)
    except BadInput:
        return {}
    return by_id(review.included_verdicts())


def by_id(verdicts: Iterable[Row]) -> dict[str, list[Row]]:
    """The submitted verdicts by the id of their row."""
    rows: dict[str, list[Row]] = {}
    for verdict in verdicts:
        if verdict["status"] == "submitted":
            rows.setdefault(verdict["id"], []).append(verdict)
    return rows


def majority(verdicts: Sequence[Row]) -> str | None:
    """What more than half of those who said it found better; None if nobody did."""
    said = Counter(row["better"] for row in one_vote_each(verdicts) if row["better"] is not None)
    if not said:
        return None
    better, count = said.most_common(1)[0]
    return better if 2 * count > said.total() else NO_MAJORITY


def estimated(what: str, figure: Mapping[str, Any]) -> list[str]:
    """A line with a share and its interval, in percent; none if it is undefined.

    >>> estimated("wins", {"value": 0.5, "low": 0.25, "high": 0.75})
    ['wins 50.0% (25.0% to 75.0%)']
    """
    value, low, high = (figure[key] for key in ("value", "low", "high"))
    if value is None:
        return []
    interval = "" if low is None or high is None else f" ({low:.1%} to {high:.1%})"
    return [f"{what} {value:.1%}{interval}"]

"""What a check of the gate says: pass, warn or fail, a sentence with its figures, and rows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["pass", "warn", "fail"]

CHECKS = (
    "schema",
    "duplicates",
    "evaluation-overlap",
    "secrets",
    "personal-data",
    "licences",
    "card-figures",
    "lengths",
    "human-agreement",
)
MOST_ROWS = 20


@dataclass(frozen=True)
class Check:
    """`figures` are JSON-able, `rows` the ids of the first rows concerned.

    `allowed` is the reason for which a failed check is let pass.
    """

    name: str
    status: Status
    sentence: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[str, ...] = ()
    allowed: str | None = None

    def as_facts(self) -> dict[str, Any]:
        """The check as manifests, cards and `--json` have it."""
        return {**asdict(self), "figures": dict(self.figures), "rows": list(self.rows)}


class FirstRows:
    """The ids of the first rows of which something is said, and how many rows there are."""

    def __init__(self) -> None:
        self.count = 0
        self._ids: list[str] = []

    def add(self, row_id: str) -> None:
        self.count += 1
        if len(self._ids) < MOST_ROWS:
            self._ids.append(row_id)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._ids)

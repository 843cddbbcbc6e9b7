"""What the checks of the gate have in common: their names, and the rows that they name."""

from collections.abc import Sequence

import pyarrow as pa

from builders.training.kto_table import worsened_rows

# In the order in which a release lists them.
CHECKS = (
    "schema",
    "duplicates",
    "evaluation-overlap",
    "foreign-text",
    "secrets",
    "personal-data",
    "licenses",
    "card-figures",
    "lengths",
    "human-agreement",
)
# These are run where a model was audited.
AUDIT_CHECKS = ("audit-fall", "audit-level", "audit-set", "audit-readable", "self-preference")
ALL_CHECKS = (*CHECKS, *AUDIT_CHECKS)
MOST_ROWS = 20


class FirstRows:
    """How many rows a check found, and the ids of the first of them."""

    def __init__(self) -> None:
        self.count = 0
        self._ids: list[str] = []

    def add(self, row_id: str) -> None:
        self.add_all([row_id])

    def add_all(self, ids: Sequence[str] | pa.Array) -> None:
        """Add rows by their ids, texts or a column of them."""
        self.count += len(ids)
        if (missing := MOST_ROWS - len(self._ids)) > 0:
            first = ids[:missing]
            self._ids += first.to_pylist() if isinstance(first, pa.Array) else first

    def extend(self, other: "FirstRows") -> None:
        """Add the rows of `other` behind these."""
        self.count += other.count
        self._ids = [*self._ids, *other._ids][:MOST_ROWS]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._ids)


def labeled_rows(rows: pa.Table) -> pa.Table:
    """The dropped ledger rows that are in the config `kto`, and so are trained on."""
    return rows.filter(worsened_rows(rows))

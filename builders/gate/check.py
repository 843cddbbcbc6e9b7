"""What the checks of the gate have in common: their names, and the rows that they name."""

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
        self.count += 1
        if len(self._ids) < MOST_ROWS:
            self._ids.append(row_id)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._ids)

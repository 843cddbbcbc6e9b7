"""What a row is: its columns, their rules, and the reasons for dropping it."""

from typing import Any

# A row of a table, by column.
Row = dict[str, Any]


class InvalidRow(ValueError):
    """A row that `Features` would store and nobody could use.

    `path` is where in the row the problem is, such as `critique.weaknesses[0]`; it is empty if the
    problem is not that of one value.
    """

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(f"{path} {problem}" if path else problem)
        self.problem = problem
        self.path = path

    def inside(self, key: str) -> "InvalidRow":
        """The same problem in the value of `key`, a name or an index such as `[0]`."""
        separator = "." if self.path and not self.path.startswith("[") else ""
        return InvalidRow(self.problem, f"{key}{separator}{self.path}")

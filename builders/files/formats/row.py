"""One row of a table file, and where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TableRow:
    """A row of a file. It has no values if `fault` says why it cannot be read."""

    file: Path
    number: int
    values: Mapping[str, Any] = field(default_factory=dict)
    fault: str | None = None
    # What `number` counts from 1: lines of a text, or rows.
    unit: str = "line"

    @property
    def at(self) -> str:
        """The place in the file, such as "line 3"."""
        return f"{self.unit} {self.number}"

    @property
    def place(self) -> str:
        """File and place, such as "rows.jsonl:3" or "rows.parquet: row 3"."""
        return f"{self.file}{f':{self.number}' if self.unit == 'line' else f': {self.at}'}"

"""Ledger rows without secrets and personal data, if the recipe says `redact`.

Each finding is replaced by its kind in square brackets, `[EMAIL]` or `[SECRET]`, in every text of
the row. Ids stay, and so do scores: they are of the text before. A kept row whose draft and
refinement differed only in such text has nothing left to teach, and is dropped as `no_change`.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from builders.gate.sensitive.personal_data import personal_data_finder
from builders.gate.sensitive.screen import suspicious_rows
from builders.gate.sensitive.secrets import find_secrets
from builders.gate.sensitive.spans import Finder, redact_text
from builders.gate.sensitive.texts import change_texts
from builders.manifest import Redacted
from builders.rows import Row
from builders.settings import GateSettings

EQUAL_AFTERWARDS = "the refinement equals the draft once both are redacted"


class Redactor:
    """Redacts rows, and counts the rows that it changed and what it found in them, by kind."""

    def __init__(self, finders: list[Finder]) -> None:
        self._finders = finders
        self.counts: Counter[str] = Counter()
        self.rows = 0

    def __call__(self, row: Mapping[str, Any]) -> Row:
        if not self._finders:
            return dict(row)
        before = self.counts.total()
        redacted = change_texts(row, self._redact)
        if self.counts.total() == before:
            return dict(row)
        self.rows += 1
        if _is_equal_only_now(row, redacted):
            redacted |= {"status": "dropped", "reason": "no_change", "detail": EQUAL_AFTERWARDS}
        return redacted

    def table(self, rows: pa.Table) -> pa.Table:
        """The same of all rows of a table, of which most are not read one by one."""
        if not self._finders:
            return rows
        suspects = suspicious_rows(rows)
        changed = [self(row) for row in rows.take(suspects).to_pylist()]
        places = np.arange(len(rows))
        places[suspects] = len(rows) + np.arange(len(suspects))
        return pa.concat_tables([rows, pa.Table.from_pylist(changed, rows.schema)]).take(places)

    def record(self) -> Redacted:
        return Redacted(rows=self.rows, by_kind=dict(sorted(self.counts.items())))

    def _redact(self, text: str) -> str:
        text, replaced = redact_text(text, self._finders)
        self.counts.update(span.kind for span in replaced)
        return text


def redactor(settings: GateSettings) -> Redactor:
    """A redactor for what the settings ask to redact; it changes nothing if that is nothing."""
    finders: list[Finder] = []
    if settings.secrets == "redact":
        finders.append(find_secrets)
    if settings.personal_data == "redact":
        finders.append(personal_data_finder(settings.phone_regions))
    return Redactor(finders)


def _is_equal_only_now(row: Mapping[str, Any], redacted: Mapping[str, Any]) -> bool:
    return (
        row["status"] == "kept"
        and row["draft"] != row["refinement"]
        and redacted["draft"] == redacted["refinement"]
    )

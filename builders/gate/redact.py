"""Ledger rows without secrets and personal data, where the recipe says `redact`.

What is found gives way to its kind in square brackets, `[EMAIL]` or `[SECRET]`, in every text of
the row; ids stay as they are. Scores stay too: they are of the text before. A kept row whose
draft and refinement differed in such text alone has nothing left to teach: it is dropped as
`no_change`.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from builders.gate.find_personal import personal_finder
from builders.gate.find_secrets import find_secrets
from builders.gate.settings import GateSettings
from builders.gate.spans import Finder, redact_text
from builders.gate.texts import change_texts

Row = dict[str, Any]

EQUAL_AFTERWARDS = "the refinement equals the draft once both are redacted"


class Redactor:
    """Gives a row's redacted form, and counts by kind what it took out of how many rows."""

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
        if _equal_only_now(row, redacted):
            redacted |= {"status": "dropped", "reason": "no_change", "detail": EQUAL_AFTERWARDS}
        return redacted

    def as_facts(self) -> dict[str, Any]:
        return {"rows": self.rows, "by_kind": dict(sorted(self.counts.items()))}

    def _redact(self, text: str) -> str:
        text, replaced = redact_text(text, self._finders)
        self.counts.update(span.kind for span in replaced)
        return text


def redactor(settings: GateSettings) -> Redactor:
    """What the settings ask for; it leaves rows as they are where they ask for nothing."""
    finders: list[Finder] = []
    if settings.secrets == "redact":
        finders.append(find_secrets)
    if settings.personal_data == "redact":
        finders.append(personal_finder(settings.phone_regions))
    return Redactor(finders)


def _equal_only_now(row: Mapping[str, Any], redacted: Mapping[str, Any]) -> bool:
    return (
        row["status"] == "kept"
        and row["draft"] != row["refinement"]
        and redacted["draft"] == redacted["refinement"]
    )

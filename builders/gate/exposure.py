"""Secrets and personal data left in the rows: the checks `secrets` and `personal-data`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from builders.gate.check import Check, FirstRows, Status
from builders.gate.find_secrets import KIND
from builders.gate.settings import Handling
from builders.gate.spans import Finder, find_all


def joined_texts(texts: Sequence[str]) -> str:
    """All texts of a row as one: most rows have nothing, and one look says so."""
    # Nothing that is looked for holds a NUL.
    return "\0".join(texts)


class Exposure:
    """Looks for what `finder` finds; `redacted` is what was taken out before, by kind."""

    def __init__(
        self, name: str, finder: Finder, handling: Handling, redacted: Mapping[str, int]
    ) -> None:
        self._name = name
        self._finder = finder
        self._handling = handling
        self._redacted = {
            kind: count
            for kind, count in redacted.items()
            if (kind == KIND) == (name == "secrets") and count
        }
        self._counts: Counter[str] = Counter()
        self._rows = FirstRows()

    def see(self, row_id: str, texts: Sequence[str], joined: str) -> None:
        """`joined` is `joined_texts(texts)`, made once for all checks."""
        if next(self._finder(joined), None) is None:
            return
        found = [span.kind for text in texts for span in find_all(text, [self._finder])]
        if found:
            self._counts.update(found)
            self._rows.add(row_id)

    def result(self) -> Check:
        """Where rows were to be redacted, what is left is a failure like any other."""
        status: Status = "pass"
        if self._counts:
            status = "warn" if self._handling == "warn" else "fail"
        return Check(self._name, status, self._sentence(), self._figures(), self._rows.ids)

    def _sentence(self) -> str:
        said = "Nothing found."
        if self._counts:
            rows = "1 row" if self._rows.count == 1 else f"{self._rows.count:,} rows"
            said = f"{_listed(self._counts)} in {rows}."
        return f"{said} Redacted: {_listed(self._redacted)}." if self._redacted else said

    def _figures(self) -> dict[str, Any]:
        return {
            "handling": self._handling,
            "rows": self._rows.count,
            "by_kind": dict(sorted(self._counts.items())),
            "redacted": dict(sorted(self._redacted.items())),
        }


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} × {kind}" for kind, count in sorted(counts.items()))

"""The checks `secrets` and `personal-data`: what is left of them in the rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from builders.gate.check import FirstRows
from builders.gate.sensitive.secrets import KIND
from builders.gate.sensitive.spans import Finder, find_all
from builders.manifest import Check
from builders.settings import Handling
from builders.wording import counted


class SensitiveText:
    """Counts what `finder` finds; `redacted` is what was taken out of the rows before, by kind."""

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

    def see(self, row_id: str, texts: Sequence[str]) -> None:
        kinds = [span.kind for text in texts for span in find_all(text, [self._finder])]
        if kinds:
            self._counts.update(kinds)
            self._rows.add(row_id)

    def add(self, other: "SensitiveText") -> None:
        """Take over what another one found, in rows behind these."""
        self._counts.update(other._counts)
        self._rows.extend(other._rows)

    def result(self) -> Check:
        """What redaction left is a failure like any other."""
        is_failure = self._counts and self._handling != "warn"
        return Check(
            name=self._name,
            status="fail" if is_failure else "warn" if self._counts else "pass",
            sentence=self._sentence(),
            figures=self._figures(),
            rows=self._rows.ids,
        )

    def _sentence(self) -> str:
        sentence = "Nothing found."
        if self._counts:
            sentence = f"{_listed(self._counts)} in {counted(self._rows.count, 'row')}."
        return f"{sentence} Redacted: {_listed(self._redacted)}." if self._redacted else sentence

    def _figures(self) -> dict[str, Any]:
        return {
            "handling": self._handling,
            "rows": self._rows.count,
            "by_kind": dict(sorted(self._counts.items())),
            "redacted": dict(sorted(self._redacted.items())),
        }


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} × {kind}" for kind, count in sorted(counts.items()))

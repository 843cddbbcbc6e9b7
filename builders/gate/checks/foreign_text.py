"""The check `foreign-text`: what models and servers leave in an answer that is not the answer.

So is what speaks to the critic. Where that is in what was asked, it is counted, and fails nothing:
the row is as its source has it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from builders.critique.planted import KIND, asked_texts, may_speak, text_to_critic
from builders.critique.replies.foreign_text import foreign_text, review_heading
from builders.gate.check import FirstRows
from builders.manifest import Check
from builders.rows.conversations import conversation_text
from builders.settings import GateSettings

NAME = "foreign-text"
_ASKED = f"{KIND} in what was asked"
# Rows whose texts are searched together.
_BATCH = 128

_Row = Mapping[str, Any]


class ForeignText:
    """Looks at the answers and critiques of kept rows, of whatever version made them."""

    def __init__(self, settings: GateSettings) -> None:
        self._fails = settings.foreign_text == "fail"
        self._counts: Counter[str] = Counter()
        self._rows = FirstRows()
        self._waiting: list[_Row] = []

    def see(self, row: _Row) -> None:
        if row["status"] != "kept":
            return
        self._waiting.append(row)
        if len(self._waiting) == _BATCH:
            self._look()

    def _look(self) -> None:
        rows, self._waiting = self._waiting, []
        shown = [_joined(row) for row in rows]
        for row, is_suspect in zip(rows, may_speak(shown), strict=True):
            kinds = set(_kinds(row))
            if is_suspect:
                kinds |= set(_kinds_for_critic(row))
            if kinds:
                self._counts.update(kinds)
                self._rows.add(row["id"])

    def result(self) -> Check:
        self._look()
        in_answers = self._counts.keys() - {_ASKED}
        status = "fail" if in_answers and self._fails else "warn" if self._counts else "pass"
        found = ", ".join(f"{kind} in {rows:,}" for kind, rows in sorted(self._counts.items()))
        rows = "1 kept row has" if self._rows.count == 1 else f"{self._rows.count:,} kept rows have"
        what = "text that is not an answer" if in_answers else "text for the critic"
        return Check(
            name=NAME,
            status=status,
            sentence=f"{rows} {what}: {found}." if found else "Nothing found.",
            figures={"rows": self._rows.count, "by_kind": dict(sorted(self._counts.items()))},
            rows=self._rows.ids,
        )


def _joined(row: _Row) -> str:
    return "\n\n".join(
        [row["draft"], row["refinement"], *asked_texts(row), row.get("criteria") or ""]
    )


def _kinds(row: _Row) -> Iterator[str]:
    asked = conversation_text(row)
    for answer in (row["draft"], row["refinement"]):
        if found := foreign_text(answer, asked) or review_heading(answer, asked):
            yield found.kind
    critique = row["critique"]
    # A point may quote the draft.
    quotable = f"{asked}\n{row['draft']}"
    for text in (*critique["weaknesses"], *critique["suggestions"]):
        if found := foreign_text(text, quotable):
            yield found.kind


def _kinds_for_critic(row: _Row) -> Iterator[str]:
    asked = "\n\n".join(asked_texts(row))
    words = " ".join(asked.split())
    for answer in (row["draft"], row["refinement"]):
        if (found := text_to_critic(answer)) and found.quote not in words:
            yield found.kind
    if any(_is_for_critic(text) for text in (asked, row.get("criteria") or "")):
        yield _ASKED


def _is_for_critic(text: str) -> bool:
    # A token of a template can begin a turn of the critic's.
    token = foreign_text(text, "")
    return bool(text_to_critic(text) or (token and token.kind == "template token"))

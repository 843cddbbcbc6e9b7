"""The check `foreign-text`: what models and servers leave in an answer that is not the answer.

So is what speaks to the critic. Where that is in what was asked, it is counted, and fails nothing:
the row is as its source has it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builders.critique.planted import KIND, asked_texts, may_speak, text_to_critic
from builders.critique.planted import SIGNS as CRITIC_SIGNS
from builders.critique.replies.foreign_text import (
    HEADING_SIGNS,
    SIGNS,
    foreign_text,
    review_heading,
)
from builders.gate.check import FirstRows, labeled_rows
from builders.manifest import Check
from builders.rows.conversations import conversation_text
from builders.rows.schema import LEDGER_ROWS
from builders.screening import FEW_ROWS, Screen
from builders.settings import GateSettings

NAME = "foreign-text"
_ASKED = f"{KIND} in what was asked"
_ANSWERS = ("draft", "refinement")
_COLUMNS = ["id", "system", "history", "instruction", "criteria", "critique", *_ANSWERS]
_CRITIQUE = LEDGER_ROWS.schema.field("critique").type
_IN_ANSWERS = Screen([*SIGNS, *HEADING_SIGNS, *CRITIC_SIGNS])
_IN_ASKED = Screen([*SIGNS, *CRITIC_SIGNS])
_IN_POINTS = Screen(SIGNS)

_Row = Mapping[str, Any]


class ForeignText:
    """Looks at the answers and critiques of kept rows, of whatever version made them.

    With `labeled`, at the refinements of dropped rows in the config `kto`, too.
    """

    def __init__(self, settings: GateSettings, *, labeled: bool = False) -> None:
        self._with_labeled = labeled
        self._fails = settings.foreign_text == "fail"
        self._counts: Counter[str] = Counter()
        self._rows = FirstRows()

    def see(self, rows: pa.Table) -> None:
        kept = rows.select(_COLUMNS).filter(pc.equal(rows["status"], "kept"))
        if self._with_labeled:
            labeled = labeled_rows(rows).select(_COLUMNS)
            kept = pa.concat_tables([kept, _only_refinements(labeled)])
        kept = kept.combine_chunks()
        kept = kept.take(suspicious_rows(kept))
        suspects = kept.to_pylist()
        spoken = may_speak([_joined(row) for row in suspects])
        for row, is_suspect in zip(suspects, spoken, strict=True):
            kinds = set(_kinds(row))
            if is_suspect:
                kinds |= set(_kinds_for_critic(row))
            if kinds:
                self._counts.update(kinds)
                self._rows.add(row["id"])

    def add(self, other: "ForeignText") -> None:
        """Take over what another one found, in rows behind these."""
        self._counts.update(other._counts)
        self._rows.extend(other._rows)

    def result(self) -> Check:
        in_answers = self._counts.keys() - {_ASKED}
        status = "fail" if in_answers and self._fails else "warn" if self._counts else "pass"
        found = ", ".join(f"{kind} in {rows:,}" for kind, rows in sorted(self._counts.items()))
        kind = "row" if self._with_labeled else "kept row"
        count = self._rows.count
        rows = f"1 {kind} has" if count == 1 else f"{count:,} {kind}s have"
        what = "text that is not an answer" if in_answers else "text for the critic"
        return Check(
            name=NAME,
            status=status,
            sentence=f"{rows} {what}: {found}." if found else "Nothing found.",
            figures={"rows": self._rows.count, "by_kind": dict(sorted(self._counts.items()))},
            rows=self._rows.ids,
        )


def _only_refinements(rows: pa.Table) -> pa.Table:
    """The rows without their drafts and critiques."""
    replaced = {"draft": rows["refinement"], "critique": pa.nulls(len(rows), _CRITIQUE)}
    columns = [replaced.get(name, rows[name]) for name in rows.column_names]
    return pa.table(columns, schema=rows.schema)


def suspicious_rows(kept: pa.Table) -> np.ndarray:
    """The numbers of the rows in which the check may find something, ascending."""
    if len(kept) < FEW_ROWS:
        return np.arange(len(kept))
    found = [_IN_ANSWERS.hits(kept[name].combine_chunks()) for name in _ANSWERS]
    found += [_IN_ASKED.hits(_asked(kept)), _IN_ASKED.hits(kept["criteria"].combine_chunks())]
    critique = kept["critique"].combine_chunks()
    for points in (critique.field("weaknesses"), critique.field("suggestions")):
        lengths = pc.fill_null(pc.list_value_length(points), 0)
        rows = np.repeat(np.arange(len(kept)), lengths.to_numpy())
        found.append(rows[_IN_POINTS.hits(points.flatten())])
    return np.unique(np.concatenate(found))


def _asked(kept: pa.Table) -> pa.Array:
    """The texts of `asked_texts` of each row as one."""
    columns = [kept[name].combine_chunks() for name in ("system", "instruction")]
    history = kept["history"].combine_chunks()
    turns = history.flatten()
    if len(turns):
        lengths = pc.list_value_length(history).to_numpy()
        offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
        contents = pa.ListArray.from_arrays(offsets, turns.field("content"))
        columns.append(pc.binary_join(contents, "\n\n"))
    return pc.binary_join_element_wise(*columns, "\n\n", null_handling="skip")


def _joined(row: _Row) -> str:
    return "\n\n".join(
        [row["draft"], row["refinement"], *asked_texts(row), row.get("criteria") or ""]
    )


def _kinds(row: _Row) -> Iterator[str]:
    asked = conversation_text(row)
    for answer in (row["draft"], row["refinement"]):
        if found := foreign_text(answer, asked) or review_heading(answer, asked):
            yield found.kind
    # A row of which only the refinement counts has none.
    critique = row["critique"] or {"weaknesses": (), "suggestions": ()}
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

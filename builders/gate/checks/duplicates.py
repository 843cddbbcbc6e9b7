"""The check `duplicates`: kept rows whose instructions are the same, or nearly the same."""

import pyarrow as pa
import pyarrow.compute as pc

from builders.duplicates.exact import SeenInstructions
from builders.duplicates.groups import NearDuplicates
from builders.gate.check import MOST_ROWS, FirstRows, labeled_rows
from builders.manifest import Check
from builders.rows.conversations import asked_text, whole_text
from builders.rows.ids import instruction_id
from builders.settings import GateSettings
from builders.wording import counted

_COLUMNS = ["id", "instruction", "history", "task"]
# Ends the key of a dropped row: a kept draft of the same instruction has its id.
_IN_KTO = " in kto"


class Duplicates:
    """Counts repeated instructions, and groups of near-duplicates without their first row.

    Instructions are the same if they and the turns before them differ only as
    `builders.duplicates.exact` allows, and nearly the same if the user's turns resemble each other.
    Several drafts of one instruction (`keep: all`) do not count as repeating it.
    Many near-duplicates are a warning. One pair of them across train and test fails: a test would
    then ask what was learned. With `labeled`, dropped rows in the config `kto` count there, too.
    """

    def __init__(self, settings: GateSettings, *, labeled: bool = False) -> None:
        self._settings = settings
        self._with_labeled = labeled
        self._labeled: set[str] = set()
        self._kept = 0
        self._instructions = SeenInstructions()
        # The ids of the smaller split.
        self._test: set[str] = set()
        self._exact = FirstRows()
        self._near = NearDuplicates[str]()

    def see(self, rows: pa.Table, split: str) -> None:
        kept = rows.select(_COLUMNS).filter(pc.equal(rows["status"], "kept"))
        self._kept += len(kept)
        for row_id, instruction, history, task in zip(
            *(column.to_pylist() for column in kept.columns), strict=True
        ):
            # Drafts of one instruction repeat it, each once.
            first = instruction_id(row_id)
            draft = row_id.removeprefix(first)
            if not self._instructions.add(whole_text(instruction, history) + draft):
                self._exact.add(row_id)
            if split != "train":
                self._test.add(first)
            self._near.add(first, asked_text(instruction, history), task)
        if self._with_labeled:
            for row in labeled_rows(rows).select(_COLUMNS).to_pylist():
                key = row["id"] + _IN_KTO
                self._labeled.add(key)
                if split != "train":
                    self._test.add(key)
                self._near.add(key, asked_text(row["instruction"], row["history"]), row["task"])

    def result(self) -> Check:
        near, across = FirstRows(), FirstRows()
        for group in self._near.groups():
            for row_id in [key for key in group if key not in self._labeled][1:]:
                near.add(row_id)
            if len({key in self._test for key in group}) > 1:
                for key in group:
                    across.add(key.removesuffix(_IN_KTO))
        figures = {
            "kept": self._kept,
            "exact": self._exact.count,
            "near": near.count,
            "rows_in_groups_across_splits": across.count,
            "max_duplicates": self._settings.max_duplicates,
            "warn_near_duplicates": self._settings.warn_near_duplicates,
        }
        kept = max(1, self._kept)
        failing = [across] if across.count else []
        if self._exact.count / kept > self._settings.max_duplicates:
            failing.append(self._exact)
        has_many = near.count / kept > self._settings.warn_near_duplicates
        concerned = failing or ([near] if has_many else [])
        ids = dict.fromkeys(row_id for rows in concerned for row_id in rows.ids)
        return Check(
            name="duplicates",
            status="fail" if failing else "warn" if has_many else "pass",
            sentence=(
                f"Of {counted(self._kept, 'kept row')}, "
                f"{counted(self._exact.count, 'repeats', 'repeat')} an instruction and "
                f"{counted(near.count, 'nearly repeats', 'nearly repeat')} one "
                f"({near.count / kept:.1%}); {counted(across.count, 'has', 'have')} a "
                "near-duplicate in the other split."
            ),
            figures=figures,
            rows=tuple(ids)[:MOST_ROWS],
        )

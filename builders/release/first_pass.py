"""The first pass over the ledgers: all that must be known of every row before one is written.

Arrays have one value for each ledger row, in the order of the ledger. With three rows of two ids,
of which an earlier release had the second:

    ids            b  a  b      (a release keeps the places that ids had, and adds new ones)
    previous ids   a
    ranks          1  0  1      the place of the row's id in the release
    in_test        F  T  F      the split of the row's instruction
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from builders.audit.reserved import ReservedInstructions
from builders.duplicates.exact import instruction_hash
from builders.duplicates.groups import NearDuplicates
from builders.errors import GateRefused
from builders.ledger.merged import Drop, LedgerPart, MergedLedger
from builders.progress import Progress
from builders.release.previous import PreviousRows
from builders.release.splits import Splits, plan_splits
from builders.rows import Row
from builders.rows.conversations import asked_text, whole_text
from builders.training.kto import is_worsened
from builders.training.preferences import LengthMatch

_COLUMNS = ["id", "history", "instruction", "task", "status"]
_JUDGED = ["reason", "draft_score", "refinement_score"]
_LENGTHS = ["draft", "refinement"]


@dataclass(frozen=True)
class FirstPass:
    """What the first pass found, and the ledger to be written.

    `ledger` drops the rows that an earlier run kept, and those reserved for audits: kept ones, and
    dropped ones that would be in the config `kto`. `ranks` (int32 [rows]) is the place of the row's
    id among all ids, `in_test` (bool [rows]) whether the row is in the test split.
    `length_match` has seen every kept row of a stage-2 release, and is None in stage 1.
    """

    ledger: MergedLedger
    splits: Splits
    ranks: np.ndarray
    in_test: np.ndarray
    length_match: LengthMatch | None


def first_pass(
    ledger: MergedLedger,
    previous: PreviousRows,
    *,
    stage: int,
    test_share: float,
    folder: Path,
    reserved: ReservedInstructions | None = None,
    progress: Progress | None = None,
) -> FirstPass:
    """Read id, conversation, task and status of every row, and in stage 2 the two answers.

    Temporary files go into `folder`. GateRefused if a run has one id on two kept rows.

    Rows whose instruction is `reserved` for audits are dropped, also those that were dropped for
    another reason and are in the config `kto`; those that the previous release has stay, in test.
    """
    near, first_kept = NearDuplicates[int](folder), FirstKept(ledger.parts)
    match = LengthMatch() if stage == 2 else None
    ids: list[pa.Array] = []
    hashes, kept = array("Q"), array("Q")
    repeated: dict[int, Drop] = {}
    drops: dict[str, Drop] = {}
    worsened: list[tuple[int, str, int, int]] = []
    in_test = set(previous.reserved)
    for part, table in ledger.tables(_COLUMNS + _JUDGED + _LENGTHS * (stage == 2)):
        ids += table["id"].chunks
        for row in table.to_pylist():
            value = instruction_hash(row["instruction"])
            near.add(value, asked_text(row["instruction"], row["history"]), row["task"])
            is_kept, is_labeled = row["status"] == "kept", is_worsened(row)
            if (is_kept or is_labeled) and reserved and (same := reserved.same_as(row)):
                if value in previous.kept:
                    in_test.add(value)
                else:
                    repeated[len(hashes)] = Drop("reserved_for_audit", f"the same as {same}")
                    is_kept = is_labeled = False
            if is_kept or is_labeled:
                whole = _conversation_hash(row) if row["history"] else value
            if is_labeled:
                worsened.append((len(hashes), row["id"], whole, part))
            if is_kept:
                if name := first_kept.in_earlier_part(row["id"], whole, part):
                    # One text for each run, and not for each row.
                    repeated[len(hashes)] = drops.setdefault(
                        name, Drop("duplicate", f"kept in the run {name}")
                    )
                else:
                    kept.append(value)
                    if match:
                        match.add(row)
            hashes.append(value)
        if progress:
            progress("splitting", len(hashes))
    # Only now is it known what all runs kept.
    for number, row_id, whole, part in worsened:
        if name := first_kept.in_other_part(row_id, whole, part):
            repeated[number] = Drop("duplicate", f"the run {name} has it, too")
    groups = near.groups()
    splits = plan_splits(kept, test_share, groups, previous.trained, in_test.intersection(hashes))
    # Some of what the previous release had in train may be gone.
    splits = replace(splits, near=splits.near.intersection(hashes))
    return FirstPass(
        ledger.dropping(repeated),
        splits,
        ranks_of(pa.chunked_array(ids, pa.string()), previous.ids),
        np.fromiter((splits.of_hash(value) == "test" for value in hashes), bool, len(hashes)),
        match,
    )


def _conversation_hash(row: Row) -> int:
    return instruction_hash(whole_text(row["instruction"], row["history"]))


class FirstKept:
    """Which part of the ledger kept an instruction first, so that no release has it twice.

    A run may keep several drafts of one, and people correct some of them in a part of their own.
    """

    def __init__(self, parts: Sequence[LedgerPart]) -> None:
        self._names = [part.name for part in parts]
        self._runs = [part.run for part in parts]
        self._ids: dict[bytes, int] = {}
        self._instructions: dict[int, int] = {}

    def in_earlier_part(self, row_id: str, instruction: int, part: int) -> str | None:
        """The name of an earlier part that kept the id or the instruction.

        `instruction` is the hash of its text and of the turns before it.
        """
        # 16 bytes an id: with the hashes, the only thing here that grows with the rows.
        key = xxhash.xxh3_128_digest(row_id.encode())
        if self._ids.get(key) == part:
            raise GateRefused(
                f"{self._names[part]}: the id {row_id} is on two kept rows; an id must be on one"
            )
        first = self._ids.setdefault(key, part)
        if len(self._names) > 1:
            other = self._instructions.setdefault(instruction, part)
            if self._runs[other] != self._runs[part]:
                first = min(first, other)
        return self._names[first] if first < part else None

    def in_other_part(self, row_id: str, instruction: int, part: int) -> str | None:
        """The name of another part that has the id or the instruction; otherwise it is noted."""
        if len(self._names) == 1:
            return None
        key = xxhash.xxh3_128_digest(row_id.encode())
        first = self._ids.setdefault(key, part)
        other = self._instructions.setdefault(instruction, part)
        if first == part and self._runs[other] != self._runs[part]:
            first = other
        return self._names[first] if first != part else None


def ranks_of(ids: pa.ChunkedArray, previous: pa.Array) -> np.ndarray:
    """The place of each id: those of `previous` in its order, then the others by their bytes.

    >>> ranks_of(pa.chunked_array([["c", "b", "a", "b"]]), pa.array(["b"])).tolist()
    [2, 0, 1, 0]
    """
    order = pc.unique(previous)
    new = pc.unique(ids.filter(pc.invert(pc.is_in(ids, order))))
    order = pa.concat_arrays([order, new.take(pc.sort_indices(new))])
    return pc.index_in(ids, order).to_numpy()

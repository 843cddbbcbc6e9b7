"""The first pass over the ledgers: all that must be known of every row before one is written.

Arrays have one value for each ledger row, in the order of the ledger. With three rows of two ids,
of which an earlier release had the second:

    ids            b  a  b      (a release keeps the places that ids had, and adds new ones)
    previous ids   a
    ranks          1  0  1      the place of the row's id in the release
    in_test        F  T  F      the split of the row's instruction
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builders.ahead import ahead, pool_or_threads
from builders.audit.reserved import ReservedInstructions
from builders.duplicates.exact import instruction_hash, normalize, normalized_hash
from builders.duplicates.groups import NearDuplicates, Sketched, distinct_ids, sketched
from builders.errors import GateRefused
from builders.ledger.merged import Drop, LedgerPart, MergedLedger
from builders.progress import Progress
from builders.release.previous import PreviousRows
from builders.release.splits import Splits, plan_splits
from builders.rows.conversations import asked_text, history_list, whole_text
from builders.training.kto_table import scored_lower
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
    pool: Executor | None = None,
) -> FirstPass:
    """Read id, conversation, task and status of every row, and in stage 2 the two answers.

    Temporary files go into `folder`. GateRefused if a run has one id on two kept rows. Rows are
    looked at in `pool`, by default in threads.

    Rows whose instruction is `reserved` for audits are dropped, also those that were dropped for
    another reason and are in the config `kto`; those that the previous release has stay, in test.
    """
    near, looks = NearDuplicates(folder), []
    columns = _COLUMNS + _JUDGED + _LENGTHS * (stage == 2)
    part_of_table: list[int] = []
    done = 0

    def tables() -> Iterator[pa.Table]:
        for part, table in ledger.tables(columns):
            part_of_table.append(part)
            yield table

    with pool_or_threads(pool) as workers:
        for look in ahead(workers, partial(look_at, reserved), tables()):
            near.add(look.sketched)
            looks.append(replace(look, sketched=None))
            done += len(look.ids)
            if progress:
                progress("splitting", done)
    part_of_row = np.repeat(part_of_table, [len(look.ids) for look in looks])
    hashes, conversations, is_kept, is_labeled, lengths = (
        np.concatenate([getattr(look, name) for look in looks])
        for name in ("hashes", "conversations", "is_kept", "is_labeled", "lengths")
    )
    ids = pa.chunked_array([look.ids for look in looks], pa.string())
    ranks = ranks_of(ids, previous.ids)
    drops, in_test = _reserved(looks, hashes, previous)
    is_kept[list(drops)] = is_labeled[list(drops)] = False
    rows = [np.flatnonzero(are) for are in (is_kept, is_labeled)]
    repeated = repeated_rows(ledger.parts, part_of_row, *rows, ids, ranks, conversations)
    is_kept[list(repeated)] = False
    splits = plan_splits(
        hashes[is_kept],
        test_share,
        distinct_ids(near.groups(), pa.array(hashes)),
        previous.trained,
        in_test.intersection(hashes.tolist()) if in_test else (),
    )
    # Some of what the previous release had in train may be gone.
    still_there = np.intersect1d(np.fromiter(splits.near, np.uint64), hashes)
    splits = replace(splits, near=frozenset(still_there.tolist()))
    match = None
    if stage == 2:
        match = LengthMatch()
        match.add_all(ids.filter(pa.array(is_kept)).to_pylist(), lengths[is_kept])
    return FirstPass(
        ledger.dropping({**drops, **repeated}), splits, ranks, splits.are_test(hashes), match
    )


@dataclass(frozen=True)
class FirstLook:
    """What is to be known of some ledger rows, in some 350 bytes each.

    `hashes` (uint64 [rows]) are of instructions, `conversations` (the same) with the turns before
    them. `lengths` (int32 [rows, 2]) are those of draft and refinement in characters, in stage 2
    only. `is_labeled` says which dropped rows are in the config `kto`. `reserved` says, by the
    number of a kept or labeled row here, which pair of an audit has its instruction.
    """

    ids: pa.Array
    hashes: np.ndarray
    conversations: np.ndarray
    is_kept: np.ndarray
    is_labeled: np.ndarray
    lengths: np.ndarray
    reserved: Mapping[int, str]
    sketched: Sketched | None


def look_at(reserved: ReservedInstructions | None, table: pa.Table) -> FirstLook:
    """The look at some rows, which needs no others; it can be taken in another process."""
    instructions, tasks = table["instruction"].to_pylist(), table["task"].to_pylist()
    texts, hashes, conversations = [], [], []
    for instruction, history in zip(instructions, history_list(table["history"]), strict=True):
        text = normalize(instruction)
        hashes.append(normalized_hash(text))
        whole = instruction_hash(whole_text(instruction, history)) if history else hashes[-1]
        conversations.append(whole)
        texts.append(normalize(asked_text(instruction, history)) if history else text)
    is_kept = pc.equal(table["status"], "kept").to_numpy()
    is_labeled = scored_lower(table).to_numpy()
    same = {}
    if reserved:
        rows = table.select(_COLUMNS).to_pylist()
        trained_on = np.flatnonzero(is_kept | is_labeled).tolist()
        same = {at: reserved.same_as(rows[at]) for at in trained_on}
    lengths = [
        pc.fill_null(pc.utf8_length(table[name]), 0).to_numpy()
        for name in _LENGTHS
        if name in table.column_names
    ]
    return FirstLook(
        ids=table["id"].combine_chunks(),
        hashes=np.array(hashes, np.uint64),
        conversations=np.array(conversations, np.uint64),
        is_kept=is_kept,
        is_labeled=is_labeled,
        lengths=np.stack(lengths, axis=1) if lengths else np.empty((len(table), 0), np.int32),
        reserved={number: pair for number, pair in same.items() if pair},
        sketched=sketched(texts, tasks),
    )


def _reserved(
    looks: Sequence[FirstLook], hashes: np.ndarray, previous: PreviousRows
) -> tuple[dict[int, Drop], set[int]]:
    """The rows that audits need, by number, and the hashes of those that stay, in test."""
    drops: dict[int, Drop] = {}
    in_test = set(previous.reserved)
    first = 0
    for look in looks:
        for number, pair in look.reserved.items():
            if (value := int(hashes[first + number])) in previous.kept:
                in_test.add(value)
            else:
                drops[first + number] = Drop("reserved_for_audit", f"the same as {pair}")
        first += len(look.ids)
    return drops, in_test


def repeated_rows(
    parts: Sequence[LedgerPart],
    part_of_row: np.ndarray,
    kept: np.ndarray,
    labeled: np.ndarray,
    ids: pa.ChunkedArray,
    ranks: np.ndarray,
    conversations: np.ndarray,
) -> dict[int, Drop]:
    """The rows that another part has too, by number, and why they go: no release has one twice.

    Of the `kept` rows, given by their numbers, those whose id or instruction an earlier part kept;
    of the `labeled` ones, which come after these, all that any other part has. A run may keep
    several drafts of an instruction, and people correct some of them in a part of their own. Rows
    have the same id if they have the same of `ranks`. GateRefused if a part keeps an id twice.
    """
    rows = np.concatenate([kept, labeled])
    own, same_id = part_of_row[rows], _firsts(ranks[rows])
    is_kept = np.arange(len(rows)) < len(kept)
    repeats = (same_id != np.arange(len(rows))) & (own[same_id] == own) & is_kept
    for at in np.flatnonzero(repeats)[:1]:
        name, row_id = parts[own[at]].name, ids[int(rows[at])]
        raise GateRefused(f"{name}: the id {row_id} is on two kept rows; an id must be on one")
    if len(parts) == 1:
        return {}
    by_id, by_text = own[same_id], own[_firsts(conversations[rows])]
    runs = np.array([part.run for part in parts])
    is_other_run = runs[by_text] != runs[own]
    earlier = np.where(is_other_run, np.minimum(by_id, by_text), by_id)
    other = np.where(is_other_run & (by_id == own), by_text, by_id)
    # One text for each part, and not for each row.
    kept_there = [Drop("duplicate", f"kept in the run {part.name}") for part in parts]
    is_there = [Drop("duplicate", f"the run {part.name} has it, too") for part in parts]
    was_kept, is_elsewhere = is_kept & (earlier < own), ~is_kept & (other != own)
    return {
        **{int(rows[at]): kept_there[earlier[at]] for at in np.flatnonzero(was_kept)},
        **{int(rows[at]): is_there[other[at]] for at in np.flatnonzero(is_elsewhere)},
    }


def _firsts(values: np.ndarray) -> np.ndarray:
    """For each value, the place of the first one that is equal.

    >>> _firsts(np.array([7, 3, 7, 3, 5])).tolist()
    [0, 1, 0, 1, 4]
    """
    _, places, inverse = np.unique(values, return_index=True, return_inverse=True)
    return places[inverse]


def ranks_of(ids: pa.ChunkedArray, previous: pa.Array) -> np.ndarray:
    """The place of each id: those of `previous` in its order, then the others by their bytes.

    >>> ranks_of(pa.chunked_array([["c", "b", "a", "b"]]), pa.array(["b"])).tolist()
    [2, 0, 1, 0]
    """
    order = pc.unique(previous)
    new = pc.unique(ids.filter(pc.invert(pc.is_in(ids, order))))
    order = pa.concat_arrays([order, new.take(pc.sort_indices(new))])
    return pc.index_in(ids, order).to_numpy()

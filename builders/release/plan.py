"""The first pass over the ledgers: what has to be known of all rows before one is written."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from builders.errors import GateRefused
from builders.near_duplicates import NearDuplicates
from builders.preferences import LengthMatch
from builders.release.ledgers import Drop, Ledgers
from builders.release.splits import Splits, plan_splits, split_hash

Progress = Callable[[str, int], None]

_COLUMNS = ["id", "instruction", "task", "status"]
_LENGTHS = ["draft", "refinement"]


@dataclass(frozen=True)
class Earlier:
    """What a release before this one decided: the order of its ids, and what was in its train."""

    ids: pa.Array
    trained: np.ndarray


@dataclass(frozen=True)
class Plan:
    """Arrays are by the number of the ledger row, counted over all runs.

    `ranks` gives the place of the row's id among all ids, and `tests` whether it is in test.
    `repeated` has the rows that an earlier run has kept, as rows to be dropped. `match` has seen
    every kept row of a stage-2 release.
    """

    splits: Splits
    ranks: np.ndarray
    tests: np.ndarray
    repeated: Mapping[int, Drop]
    match: LengthMatch | None


def make_plan(
    ledgers: Ledgers,
    names: Sequence[str],
    *,
    stage: int,
    test_share: float,
    folder: Path,
    earlier: Earlier | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Read id, instruction, task and status of every row; temporary files go to `folder`.

    Of `earlier`, ids keep their order and come first. Raises `GateRefused` where one run has an
    id on two kept rows.
    """
    near, first_kept = NearDuplicates(folder), FirstKept(names)
    match = LengthMatch() if stage == 2 else None
    ids: list[pa.Array] = []
    hashes, kept = array("Q"), array("Q")
    repeated: dict[int, Drop] = {}
    drops: dict[str, Drop] = {}
    for run, table in ledgers.tables(_COLUMNS + _LENGTHS * (stage == 2)):
        ids += table["id"].chunks
        for row in table.to_pylist():
            value = split_hash(row["instruction"])
            near.add(f"{value:x}", row["instruction"], row["task"])
            if row["status"] == "kept":
                if name := first_kept.in_earlier_run(row["id"], value, run):
                    # One text for each run, and not for each row.
                    repeated[len(hashes)] = drops.setdefault(
                        name, ("duplicate", f"kept in the run {name}")
                    )
                else:
                    kept.append(value)
                    if match:
                        match.add(row)
            hashes.append(value)
        if progress:
            progress("splitting", len(hashes))
    splits = plan_splits(
        kept,
        test_share,
        ([int(value, 16) for value in group] for group in near.groups()),
        () if earlier is None else earlier.trained,
    )
    # Of what the parent had in train, some may not be here.
    splits = replace(splits, near=splits.near.intersection(hashes))
    return Plan(
        splits,
        ranks_of(pa.chunked_array(ids, pa.string()), None if earlier is None else earlier.ids),
        np.fromiter((splits.of_hash(value) == "test" for value in hashes), bool, len(hashes)),
        repeated,
        match,
    )


class FirstKept:
    """Which run has kept an instruction first, so that no release has it twice."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._ids: dict[bytes, int] = {}
        self._instructions: dict[int, int] = {}

    def in_earlier_run(self, row_id: str, instruction: int, run: int) -> str | None:
        """The name of an earlier run that kept the id or the instruction, given by its hash."""
        # 16 bytes an id: with the hashes, the only thing here that grows with the rows.
        key = xxhash.xxh3_128_digest(row_id.encode())
        if self._ids.get(key) == run:
            raise GateRefused(
                f"{self._names[run]}: the id {row_id} is on two kept rows; an id must be on one"
            )
        first = self._ids.setdefault(key, run)
        if len(self._names) > 1:
            first = min(first, self._instructions.setdefault(instruction, run))
        return self._names[first] if first < run else None


def ranks_of(ids: pa.ChunkedArray, earlier: pa.Array | None = None) -> np.ndarray:
    """The place of each id: those of `earlier` in its order, then the others by their bytes."""
    order = pa.array([], pa.string()) if earlier is None else pc.unique(earlier)
    new = pc.unique(ids.filter(pc.invert(pc.is_in(ids, order))))
    order = pa.concat_arrays([order, new.take(pc.sort_indices(new))])
    return pc.index_in(ids, order).to_numpy()

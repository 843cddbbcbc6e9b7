"""The check `duplicates`: kept rows whose instructions are the same, or nearly the same."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builders.duplicates.exact import normalize, normalized_digest
from builders.duplicates.groups import NearDuplicates, Sketched, distinct_ids, sketched
from builders.gate.check import MOST_ROWS, FirstRows, labeled_rows
from builders.manifest import Check
from builders.rows.conversations import asked_text, history_list, whole_text
from builders.rows.ids import instruction_id
from builders.settings import GateSettings
from builders.wording import counted

_COLUMNS = ["id", "instruction", "history", "task"]
# Ends the name of a dropped row: a kept draft of the same instruction has its id.
_IN_KTO = " in kto"


# As many of a SHA-256 as tell instructions apart.
_KEY_BYTES = 16


@dataclass(frozen=True)
class Asked:
    """What is compared of some rows, kept ones in their order; it can be sent to another process.

    `ids` are of the kept rows, and `keys` (uint64 [n, 2]) are equal where they repeat an
    instruction. `names` are of all that are compared for resemblance: the ids of the first drafts
    of the kept rows' instructions, and then names of dropped rows that are in the config `kto`.
    """

    ids: pa.Array
    names: pa.Array
    is_test: bool
    keys: np.ndarray
    sketched: Sketched


def asked_of(rows: pa.Table, split: str, *, labeled: bool = False) -> Asked:
    """What is compared of ledger rows, all of one split: of the kept ones, and the `labeled`."""
    kept = rows.select(_COLUMNS).filter(pc.equal(rows["status"], "kept"))
    ids, instructions, tasks = (kept[name].to_pylist() for name in ("id", "instruction", "task"))
    histories = history_list(kept["history"])
    firsts = [instruction_id(row_id) for row_id in ids]
    keys, texts = [], []
    for row_id, first, instruction, history in zip(
        ids, firsts, instructions, histories, strict=True
    ):
        # Drafts of one instruction repeat it, each once.
        draft = row_id.removeprefix(first)
        texts.append(normalize(asked_text(instruction, history)))
        whole = whole_text(instruction, history) + draft
        same = not history and not draft
        keys.append(normalized_digest(texts[-1] if same else normalize(whole))[:_KEY_BYTES])
    names = firsts
    if labeled:
        for row in labeled_rows(rows).select(_COLUMNS).to_pylist():
            names.append(row["id"] + _IN_KTO)
            texts.append(normalize(asked_text(row["instruction"], row["history"])))
            tasks.append(row["task"])
    return Asked(
        ids=kept["id"].combine_chunks(),
        names=pa.array(names, pa.string()),
        is_test=split != "train",
        keys=np.frombuffer(b"".join(keys), np.uint64).reshape(-1, 2),
        sketched=sketched(texts, tasks),
    )


class Duplicates:
    """Counts repeated instructions, and groups of near-duplicates without their first row.

    Instructions are the same if they and the turns before them differ only as
    `builders.duplicates.exact` allows, and nearly the same if the user's turns resemble each other.
    Several drafts of one instruction (`keep: all`) do not count as repeating it.
    Many near-duplicates are a warning. One pair of them across train and test fails: a test would
    then ask what was learned. Dropped rows in the config `kto` count there, too.
    """

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._kept = 0
        self._ids: list[pa.Array] = []
        self._names: list[pa.Array] = []
        self._keys: list[np.ndarray] = []
        self._labeled: set[str] = set()
        # The names of the smaller split.
        self._test: set[str] = set()
        self._near = NearDuplicates()

    def add(self, asked: Asked) -> None:
        """Add rows, which come after those before."""
        self._kept += len(asked.ids)
        self._ids.append(asked.ids)
        self._names.append(asked.names)
        self._labeled.update(asked.names[len(asked.ids) :].to_pylist())
        self._keys.append(asked.keys)
        if asked.is_test:
            self._test.update(asked.names.to_pylist())
        self._near.add(asked.sketched)

    def result(self) -> Check:
        exact = FirstRows()
        if self._kept:
            ids = pa.concat_arrays(self._ids)
            exact.add_all(ids.take(pa.array(_repeats(np.concatenate(self._keys)))))
        near, across = FirstRows(), FirstRows()
        names = pa.concat_arrays([pa.array([], pa.string()), *self._names])
        for group in distinct_ids(self._near.groups(), names):
            for row_id in [name for name in group if name not in self._labeled][1:]:
                near.add(row_id)
            if len({name in self._test for name in group}) > 1:
                for name in group:
                    across.add(name.removesuffix(_IN_KTO))
        figures = {
            "kept": self._kept,
            "exact": exact.count,
            "near": near.count,
            "rows_in_groups_across_splits": across.count,
            "max_duplicates": self._settings.max_duplicates,
            "warn_near_duplicates": self._settings.warn_near_duplicates,
        }
        kept = max(1, self._kept)
        failing = [across] if across.count else []
        if exact.count / kept > self._settings.max_duplicates:
            failing.append(exact)
        has_many = near.count / kept > self._settings.warn_near_duplicates
        concerned = failing or ([near] if has_many else [])
        ids = dict.fromkeys(row_id for rows in concerned for row_id in rows.ids)
        return Check(
            name="duplicates",
            status="fail" if failing else "warn" if has_many else "pass",
            sentence=(
                f"Of {counted(self._kept, 'kept row')}, "
                f"{counted(exact.count, 'repeats', 'repeat')} an instruction and "
                f"{counted(near.count, 'nearly repeats', 'nearly repeat')} one "
                f"({near.count / kept:.1%}); {counted(across.count, 'has', 'have')} a "
                "near-duplicate in the other split."
            ),
            figures=figures,
            rows=tuple(ids)[:MOST_ROWS],
        )


def _repeats(keys: np.ndarray) -> np.ndarray:
    """The numbers of the rows whose key an earlier one has, ascending.

    >>> _repeats(np.array([[1, 1], [2, 2], [1, 1], [1, 2], [1, 1]], np.uint64)).tolist()
    [2, 4]
    """
    order = np.lexsort(keys.T)
    is_same = (keys[order[1:]] == keys[order[:-1]]).all(axis=1)
    return np.sort(order[1:][is_same])

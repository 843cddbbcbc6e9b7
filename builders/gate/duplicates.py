"""Kept rows that ask the same, or nearly: the check `duplicates`."""

import hashlib
from collections.abc import Mapping
from typing import Any

from builders.dedup import normalise
from builders.gate.check import MOST_ROWS, Check, FirstRows
from builders.gate.settings import GateSettings
from builders.near_duplicates import NearDuplicates


class Duplicates:
    """Exact duplicates are the same but for case, spacing and quotes (`builders.dedup`).

    Near-duplicates are counted as the rows beyond the first of each group. Many of them are a
    warning; one pair on both sides of a split fails, since a test then asks what was learnt.
    """

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._kept = 0
        # 16 bytes for each instruction, and the ids of the smaller split.
        self._seen: set[bytes] = set()
        self._test: set[str] = set()
        self._exact = FirstRows()
        self._near = NearDuplicates()

    def see(self, row: Mapping[str, Any], split: str) -> None:
        if row["status"] != "kept":
            return
        self._kept += 1
        key = hashlib.sha256(normalise(row["instruction"]).encode(errors="replace")).digest()[:16]
        if key in self._seen:
            self._exact.add(row["id"])
        self._seen.add(key)
        if split != "train":
            self._test.add(row["id"])
        self._near.add(row["id"], row["instruction"], row["task"])

    def result(self) -> Check:
        near, across = FirstRows(), FirstRows()
        for group in self._near.groups():
            for row_id in group[1:]:
                near.add(row_id)
            if len({row_id in self._test for row_id in group}) > 1:
                for row_id in group:
                    across.add(row_id)
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
        many = near.count / kept > self._settings.warn_near_duplicates
        sentence = (
            f"Of {self._kept:,} kept rows {self._exact.count:,} repeat an instruction and "
            f"{near.count:,} nearly do ({near.count / kept:.1%}); "
            f"{across.count:,} are alike across the splits."
        )
        concerned = failing or ([near] if many else [])
        ids = dict.fromkeys(row_id for rows in concerned for row_id in rows.ids)
        status = "fail" if failing else "warn" if many else "pass"
        return Check("duplicates", status, sentence, figures, tuple(ids)[:MOST_ROWS])
